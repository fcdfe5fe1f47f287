import type { FileRange } from "../archive/files.ts";
import { complete } from "../complete.ts";
import { RegistryError } from "../errors.ts";
import { piecesAfter } from "../lists.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { resolveRange } from "../range.ts";
import { canonicalName, type Digest, type Reference, refersByDigest } from "../reference.ts";
import { selectReferrers } from "../referrers.ts";
import type { ManifestContent, Registry } from "../registry.ts";
import { blobFiles } from "./blob-files.ts";
import type { Catalogue, Repository } from "./catalogue.ts";
import type { Finding } from "./findings.ts";

const READ_ONLY = "it serves a folder of archives; to add an image, put its archive into the folder";

/**
 * The images of a folder, as a registry for looking only. Manifests are in memory; blobs are read where they lie. Each
 * request is answered out of the catalogue that is current when it comes.
 * `onDamage` hears of each blob whose bytes do not match its digest.
 */
export function folder(
  source: { readonly current: Catalogue; isReplaced?(path: string): boolean },
  options: { onDamage?: (finding: Finding) => void } = {},
): Registry {
  const files = blobFiles({ ...options, isReplaced: (path) => source.isReplaced?.(path) ?? false });

  const find = (name: string): Repository => {
    const repository = source.current.repositories.get(canonicalName(name));
    if (!repository) throw new RegistryError("NAME_UNKNOWN", name);
    return repository;
  };
  const findBlob = (name: string, digest: Digest): FileRange => {
    const file = find(name).blobs.get(digest);
    if (!file) throw new RegistryError("BLOB_UNKNOWN", digest);
    return file;
  };
  const findManifest = async (name: string, reference: Reference): Promise<ManifestContent> => {
    const repository = find(name);
    const found = refersByDigest(reference)
      ? repository.findManifest(reference)
      : repository.tags.get(reference)?.manifest;
    // Nearly always it is there, and a turn of the queue less is a twentieth of the whole answer.
    const manifest = found instanceof Promise ? await found : found;
    if (!manifest) throw new RegistryError("MANIFEST_UNKNOWN", reference);
    return manifest;
  };

  const reader: Partial<Registry> = {
    async getBlob(name, digest, { range } = {}) {
      const made = find(name).made.get(digest);
      if (made) {
        const { start, end } = resolveRange(range, made.length);
        const body = { kind: "bytes", bytes: made.subarray(start, end) } as const;
        return { descriptor: { mediaType: MEDIA_TYPES.blob, digest, size: made.length }, range: { start, end }, body };
      }
      const file = findBlob(name, digest);
      const { start, end } = resolveRange(range, file.size);
      const body = await files.open(file, digest, { start, end });
      return { descriptor: { mediaType: MEDIA_TYPES.blob, digest, size: file.size }, range: { start, end }, body };
    },
    async statBlob(name, digest) {
      const made = find(name).made.get(digest);
      if (made) return { mediaType: MEDIA_TYPES.blob, digest, size: made.length };
      const file = findBlob(name, digest);
      await files.stat(file, digest);
      return { mediaType: MEDIA_TYPES.blob, digest, size: file.size };
    },
    getManifest: findManifest,
    async statManifest(name, reference) {
      return (await findManifest(name, reference)).descriptor;
    },
    async *listRepositories({ after = "" } = {}) {
      const { names } = source.current;
      yield* piecesAfter(() => names, after);
    },
    async *listTags(name, { after = "" } = {}) {
      const tags = [...find(name).tags.keys()];
      yield* piecesAfter(() => tags, after);
    },
    async *listReferrers(name, subject, options) {
      const referrers = source.current.repositories.get(canonicalName(name))?.referrersOf(subject) ?? [];
      yield selectReferrers(referrers, options);
    },
  };
  return complete(reader, READ_ONLY);
}
