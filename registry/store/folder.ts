import type { FileRange } from "../archive/files.ts";
import { canonicalManifest, possibleManifests } from "../archive/serialisations.ts";
import { complete } from "../complete.ts";
import { RegistryError } from "../errors.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { resolveRange } from "../range.ts";
import { type Digest, type Reference, refersByDigest, type Tag } from "../reference.ts";
import type { ManifestContent, Registry } from "../registry.ts";
import { blobFiles } from "./blob-files.ts";
import { canonicalName, type Scan, type ScannedImage } from "./scan.ts";

const READ_ONLY = "it serves a folder of exports; to add an image, put its export into the folder";

/** A repository of the folder: what can be read in it. Its blobs are those of its images and no others. */
interface Repository {
  readonly name: string;
  /** In byte order. */
  readonly tags: ReadonlyMap<Tag, ManifestContent>;
  readonly blobs: ReadonlyMap<Digest, FileRange>;
  readonly findManifest: (digest: Digest) => ManifestContent | undefined;
}

/**
 * The images that a scan found, as a registry for looking only. Manifests are built once; blobs are read where they lie.
 * `onDamage` hears of each blob whose bytes do not match its digest, with its path.
 */
export function folder(
  { images }: Scan,
  options: { onDamage?: (path: string, digest: Digest) => void } = {},
): Registry {
  const repositories = repositoriesOf(images);
  const names = [...repositories.values()].map(({ name }) => name).sort(byteOrder);
  const files = blobFiles({ onDamage: ({ path }, digest) => options.onDamage?.(path, digest) });

  const find = (name: string): Repository => {
    const repository = repositories.get(canonicalName(name));
    if (!repository) throw new RegistryError("NAME_UNKNOWN", name);
    return repository;
  };
  const findBlob = (name: string, digest: Digest): FileRange => {
    const file = find(name).blobs.get(digest);
    if (!file) throw new RegistryError("BLOB_UNKNOWN", digest);
    return file;
  };
  const findManifest = (name: string, reference: Reference): ManifestContent => {
    const { tags, findManifest } = find(name);
    const manifest = refersByDigest(reference) ? findManifest(reference) : tags.get(reference);
    if (!manifest) throw new RegistryError("MANIFEST_UNKNOWN", reference);
    return manifest;
  };

  const reader: Partial<Registry> = {
    async getBlob(name, digest, { range } = {}) {
      const file = findBlob(name, digest);
      const { start, end } = resolveRange(range, file.size);
      const body = await files.open(file, digest, { start, end });
      return { descriptor: { mediaType: MEDIA_TYPES.blob, digest, size: file.size }, range: { start, end }, body };
    },
    async statBlob(name, digest) {
      const file = findBlob(name, digest);
      await files.stat(file, digest);
      return { mediaType: MEDIA_TYPES.blob, digest, size: file.size };
    },
    async getManifest(name, reference) {
      return findManifest(name, reference);
    },
    async statManifest(name, reference) {
      return findManifest(name, reference).descriptor;
    },
    async *listRepositories({ after = "" } = {}) {
      for (const name of names) if (name > after) yield name;
    },
    async *listTags(name, { after = "" } = {}) {
      for (const tag of find(name).tags.keys()) if (tag > after) yield tag;
    },
    async *listReferrers() {
      // Exports of this form are images; none of them refers to another manifest.
    },
  };
  return complete(reader, READ_ONLY);
}

/** By canonical name. */
function repositoriesOf(images: readonly ScannedImage[]): Map<string, Repository> {
  const grouped = new Map<string, ScannedImage[]>();
  for (const image of images) {
    const key = canonicalName(image.repository);
    const group = grouped.get(key);
    if (group) group.push(image);
    else grouped.set(key, [image]);
  }
  return new Map([...grouped].map(([key, group]) => [key, repositoryOf(group)]));
}

function repositoryOf(images: readonly ScannedImage[]): Repository {
  const sorted = images.toSorted((a, b) => byteOrder(a.tag, b.tag));
  const canonical = sorted.map((image) => ({ image, manifest: canonicalManifest(image.parts) }));
  const byDigest = new Map(canonical.map(({ manifest }) => [manifest.descriptor.digest, manifest]));
  let possible: Map<Digest, () => ManifestContent> | undefined;
  return {
    name: images[0]?.repository ?? "",
    tags: new Map(canonical.map(({ image, manifest }) => [image.tag, manifest])),
    blobs: new Map(images.flatMap(({ blobs }) => [...blobs])),
    findManifest: (digest) => {
      const known = byDigest.get(digest);
      if (known) return known;
      // Made when a digest is first asked for that no canonical manifest has, and kept: forty hashes for each image.
      possible ??= new Map(images.flatMap(({ parts }) => [...possibleManifests(parts)]));
      const manifest = possible.get(digest)?.();
      if (manifest) byDigest.set(digest, manifest);
      return manifest;
    },
  };
}

const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
