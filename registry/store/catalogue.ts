import { setImmediate } from "node:timers/promises";
import type { FoundManifest } from "../archive/content.ts";
import type { FileRange } from "../archive/files.ts";
import { possibleManifests } from "../archive/serialisations.ts";
import { canonicalName, type Digest, type Tag } from "../reference.ts";
import type { Descriptor, ManifestContent } from "../registry.ts";
import { type Scan, type ScannedArchive, type Skipped, scan } from "./scan.ts";

/** What can be read in a repository: what belongs to the images named in it, and nothing else. */
export interface Repository {
  readonly name: string;
  /** In byte order. */
  readonly tags: ReadonlyMap<Tag, TaggedImage>;
  readonly blobs: ReadonlyMap<Digest, FileRange>;
  /** Configs that lie in no file, because they were made. */
  readonly made: ReadonlyMap<Digest, Uint8Array>;
  /** At once, or later one that a rebuilt image may have had: others are served while that is looked for. */
  findManifest(digest: Digest): ManifestContent | Promise<ManifestContent | undefined>;
  referrersOf(subject: Digest): readonly Descriptor[];
}

export interface TaggedImage {
  readonly manifest: FoundManifest;
  readonly archive: ScannedArchive;
}

/** All that a folder gives: its repositories, and what its owner should know. */
export interface Catalogue {
  /** By canonical name. */
  readonly repositories: ReadonlyMap<string, Repository>;
  /** The names of the repositories, in byte order. */
  readonly names: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}

/** What a scan found, under its names. Of two archives that claim one name, the one changed last has it. */
export function catalogueOf({ archives, skipped }: Pick<Scan, "archives" | "skipped">): Catalogue {
  return { ...named(archives), skipped };
}

/** Reads a folder as it is now. Throws only when the folder itself cannot be read. */
export const readFolder = (path: string): Catalogue => catalogueOf(scan(path));

/** Bytes of an image: its configs and layers, of all its platforms, one that occurs twice counted once. */
export const sizeOf = (image: TaggedImage): number =>
  [...blobsOfImage(image).values()].reduce((sum, { size }) => sum + size, 0);

/** The configs and layers of an image, of all its platforms, as far as they are there. */
export function blobsOfImage({ manifest, archive }: TaggedImage): Map<Digest, FileRange> {
  const seen = new Set<Digest>();
  const blobs = new Map<Digest, FileRange>();
  const waiting = [manifest];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const { digest } of next.parts) {
      if (seen.has(digest)) continue;
      seen.add(digest);
      const file = archive.blobs.get(digest);
      if (file) blobs.set(digest, file);
      const child = archive.manifests.get(digest);
      if (child) waiting.push(child);
    }
  }
  return blobs;
}

/** `linux/amd64`, of an index those of its children that are there. */
export function platformsOf({ manifest, archive }: TaggedImage): string[] {
  if (manifest.platform !== "") return [manifest.platform];
  const children = manifest.parts.filter(({ digest }) => archive.manifests.has(digest));
  // What attests to an image stands beside it in the index, for a platform that is none.
  return children
    .map(({ platform }) => platform)
    .filter((platform) => platform !== "" && !platform.startsWith("unknown"));
}

function named(archives: readonly ScannedArchive[]): Omit<Catalogue, "skipped"> {
  const drafts = new Map<string, Draft>();
  const warnings: string[] = [];
  for (const archive of archives.toSorted((a, b) => a.modified - b.modified)) {
    const referrers = referrersIn(archive.manifests);
    for (const { name, digest } of archive.named) {
      const key = canonicalName(name.repository);
      const draft = drafts.get(key) ?? createDraft(name.repository);
      drafts.set(key, draft);
      addTree(draft, archive, referrers, digest);
      const manifest = archive.manifests.get(digest);
      if (name.tag === undefined || !manifest) continue;
      const before = draft.tags.get(name.tag);
      if (before && before.manifest.descriptor.digest !== digest) {
        warnings.push(`${archive.path} has taken ${name.repository}:${name.tag} over from ${before.archive.path}`);
      }
      draft.tags.set(name.tag, { manifest, archive });
    }
  }
  const names = [...drafts.values()].map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1));
  return { repositories: new Map([...drafts].map(([key, draft]) => [key, finish(draft)])), names, warnings };
}

interface Draft {
  readonly name: string;
  readonly tags: Map<Tag, TaggedImage>;
  readonly manifests: Map<Digest, FoundManifest>;
  readonly blobs: Map<Digest, FileRange>;
  readonly made: Map<Digest, Uint8Array>;
}

const createDraft = (name: string): Draft => ({
  name,
  tags: new Map(),
  manifests: new Map(),
  blobs: new Map(),
  made: new Map(),
});

/** A manifest, what it is made of, and in the same archive what refers to it. */
function addTree(
  draft: Draft,
  archive: ScannedArchive,
  referrers: ReadonlyMap<Digest, readonly Descriptor[]>,
  root: Digest,
): void {
  const waiting = [root];
  // Not `draft.manifests`: an archive seen before may hold the same index with fewer of its children.
  const seen = new Set<Digest>();
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const manifest = archive.manifests.get(digest);
    if (!manifest || seen.has(digest)) continue;
    seen.add(digest);
    draft.manifests.set(digest, manifest);
    const config = manifest.rebuilt?.config;
    if (config?.text !== undefined) draft.made.set(config.digest, Buffer.from(config.text));
    for (const part of manifest.parts) {
      const file = archive.blobs.get(part.digest);
      if (file) draft.blobs.set(part.digest, file);
      waiting.push(part.digest);
    }
    for (const referrer of referrers.get(digest) ?? []) waiting.push(referrer.digest);
  }
}

/** By subject, the manifests that refer to it. */
function referrersIn(manifests: ReadonlyMap<Digest, FoundManifest>): Map<Digest, Descriptor[]> {
  const found = new Map<Digest, Descriptor[]>();
  for (const { subject, referrer } of manifests.values()) {
    if (!subject) continue;
    const referrers = found.get(subject) ?? [];
    referrers.push(referrer);
    found.set(subject, referrers);
  }
  return found;
}

function finish({ name, tags, manifests, blobs, made }: Draft): Repository {
  const referrers = referrersIn(manifests);
  const found = new Map<Digest, ManifestContent>(manifests);
  let possible: ReturnType<typeof possibleOf> | undefined;
  const rebuild = async (digest: Digest): Promise<ManifestContent | undefined> => {
    // Made when a digest is first asked for that nothing in the repository has.
    possible ??= possibleOf(manifests.values());
    const all = await possible;
    // Somebody else may have asked for it meanwhile, and the same manifest comes as the same object.
    const manifest = found.get(digest) ?? all.get(digest)?.();
    if (manifest) found.set(digest, manifest);
    return manifest;
  };
  return {
    name,
    tags: new Map([...tags].sort(([a], [b]) => (a < b ? -1 : 1))),
    blobs,
    made,
    findManifest: (digest) => found.get(digest) ?? rebuild(digest),
    referrersOf: (subject) => referrers.get(subject) ?? [],
  };
}

/** Forty hashes for each rebuilt image: with thousands of them nobody else would be served for seconds. */
async function possibleOf(manifests: Iterable<FoundManifest>): Promise<Map<Digest, () => ManifestContent>> {
  const possible = new Map<Digest, () => ManifestContent>();
  for (const { rebuilt } of manifests) {
    if (!rebuilt) continue;
    for (const [digest, make] of possibleManifests(rebuilt)) possible.set(digest, make);
    await setImmediate();
  }
  return possible;
}
