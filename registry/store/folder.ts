import type { FileRange } from "../archive/files.ts";
import { complete } from "../complete.ts";
import { partOf } from "../content.ts";
import { RegistryError } from "../errors.ts";
import { piecesAfter } from "../lists.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { resolveRange } from "../range.ts";
import { canonicalName, type Digest, type Reference, refersByDigest } from "../reference.ts";
import { selectReferrers } from "../referrers.ts";
import type { ManifestContent, Registry } from "../registry.ts";
import { type Soon, whenHere } from "../soon.ts";
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
  const findManifest = (name: string, reference: Reference): Soon<ManifestContent> => {
    const repository = find(name);
    const found = refersByDigest(reference)
      ? repository.findManifest(reference)
      : repository.tags.get(reference)?.manifest;
    return whenHere(found, (manifest) => {
      if (!manifest) throw new RegistryError("MANIFEST_UNKNOWN", reference);
      return manifest;
    });
  };

  const reader: Partial<Registry> = {
    getBlob(name, digest, options) {
      const source = find(name).made.get(digest) ?? findBlob(name, digest);
      const isMade = source instanceof Uint8Array;
      const size = isMade ? source.length : source.size;
      const range = resolveRange(options?.range, size);
      const found = isMade ? partOf({ kind: "bytes", bytes: source }, range) : files.open(source, digest, range);
      return whenHere(found, (body) => ({ descriptor: { mediaType: MEDIA_TYPES.blob, digest, size }, range, body }));
    },
    async statBlob(name, digest) {
      const made = find(name).made.get(digest);
      if (made) return { mediaType: MEDIA_TYPES.blob, digest, size: made.length };
      const file = findBlob(name, digest);
      await files.stat(file, digest);
      return { mediaType: MEDIA_TYPES.blob, digest, size: file.size };
    },
    getManifest: findManifest,
    statManifest: (name, reference) => whenHere(findManifest(name, reference), ({ descriptor }) => descriptor),
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
