import type { Digest } from "../reference.ts";
import type { ManifestContent } from "../registry.ts";
import type { ArchiveContent, FoundManifest } from "./content.ts";
import { describeManifest } from "./manifests.ts";
import { type ImageParts, possibleManifests } from "./serialisations.ts";

/**
 * The same archive with the manifest of digest `wanted` at the place of the canonical one, when it can be rebuilt; its hash
 * proves that it is the original. Undefined when nothing in the archive can have had that digest.
 */
export function withOriginal(content: ArchiveContent, wanted: Digest): ArchiveContent | undefined {
  if (content.manifests.has(wanted)) return content;
  for (const root of content.roots) {
    const manifest = content.manifests.get(root.digest);
    const original = manifest?.rebuilt && rebuild(manifest.rebuilt, wanted);
    if (!manifest || !original) continue;
    const found: FoundManifest = { ...manifest, ...describeManifest(original) };
    return {
      ...content,
      roots: content.roots.map((each) => (each === root ? { ...each, digest: wanted } : each)),
      manifests: new Map([...content.manifests, [wanted, found]]),
    };
  }
  return undefined;
}

/** The last answer for each image: a folder is looked at again and again, and each time would cost forty hashes. */
const rebuilt = new WeakMap<ImageParts, { readonly wanted: Digest; readonly found: ManifestContent | undefined }>();

function rebuild(parts: ImageParts, wanted: Digest): ManifestContent | undefined {
  const known = rebuilt.get(parts);
  if (known?.wanted === wanted) return known.found;
  const found = possibleManifests(parts).get(wanted)?.();
  rebuilt.set(parts, { wanted, found });
  return found;
}
