import { RegistryError } from "../errors.ts";
import { entriesOf } from "../lists.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { type Digest, digestOf, isDigest, type Reference, refersByDigest, type Tag } from "../reference.ts";
import type { Descriptor, ManifestContent, Registry } from "../registry.ts";
import { orElse } from "../soon.ts";

/**
 * The referrers of a manifest, also for clients that do not know the request for them: these look for an index under the
 * tag `sha256-<hex>` (distribution-spec, "Referrers Tag Schema"). Where nobody pushed such a tag it is made of what the
 * registry knows, and it is not listed. An index that was pushed under the tag is served as it is.
 */
export function fallbackTags(next: Registry): Registry {
  const made = async (name: string, subject: Digest, error: unknown): Promise<ManifestContent> => {
    if (!(error instanceof RegistryError && error.code === "MANIFEST_UNKNOWN")) throw error;
    const manifests: Descriptor[] = [];
    let size = 0;
    for await (const referrer of entriesOf(next.listReferrers(name, subject))) {
      size += JSON.stringify(referrer).length;
      // A manifest is in memory as a whole. Whoever has so many of them has clients that ask for referrers.
      if (size > SIZE_LIMIT) throw error;
      manifests.push(referrer);
    }
    if (manifests.length === 0) throw error;
    return indexOf(manifests);
  };
  return {
    ...next,
    getManifest(name, reference) {
      const subject = subjectOf(reference);
      const ask = () => next.getManifest(name, reference);
      return subject ? orElse(ask, (error) => made(name, subject, error)) : ask();
    },
    statManifest(name, reference) {
      const subject = subjectOf(reference);
      const ask = () => next.statManifest(name, reference);
      return subject ? orElse(ask, async (error) => (await made(name, subject, error)).descriptor) : ask();
    },
  };
}

const SIZE_LIMIT = 1024 * 1024;

/** The digest that a fallback tag stands for. One of sha512 is cut, so it cannot be told. */
function subjectOf(reference: Reference | Tag): Digest | undefined {
  if (refersByDigest(reference) || !reference.startsWith("sha256-")) return undefined;
  const digest = reference.replace("-", ":");
  return isDigest(digest) ? digest : undefined;
}

function indexOf(manifests: readonly Descriptor[]): ManifestContent {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  return { descriptor: { mediaType: MEDIA_TYPES.ociIndex, digest: digestOf(bytes), size: bytes.length }, bytes };
}
