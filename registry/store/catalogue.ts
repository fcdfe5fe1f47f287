import { setImmediate } from "node:timers/promises";
import type { FoundManifest } from "../archive/content.ts";
import type { FileRange } from "../archive/files.ts";
import { possibleManifests } from "../archive/serialisations.ts";
import { isRealPlatform } from "../platform.ts";
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
  readonly digest: Digest;
  readonly archive: ScannedArchive;
  readonly manifest: FoundManifest;
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
export const sizeOf = ({ digest, archive }: Pick<TaggedImage, "digest" | "archive">): number =>
  archive.roots.find((root) => root.digest === digest)?.size ?? 0;

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
  return children.map(({ platform }) => platform).filter(isRealPlatform);
}

/** After so many repositories others are served: what is in one is looked up when it is first asked. */
const TURN = 20;

/** A repository that has a blob; undefined when there is none. */
export async function holderOf({ repositories }: Catalogue, digest: Digest): Promise<string | undefined> {
  let looked = 0;
  for (const { name, blobs, made } of repositories.values()) {
    if (blobs.has(digest) || made.has(digest)) return name;
    if (++looked % TURN === 0) await setImmediate();
  }
  return undefined;
}

/** Only names: what is in the repositories is looked up when somebody asks for one. */
function named(archives: readonly ScannedArchive[]): Omit<Catalogue, "skipped"> {
  const repositories = new Map<string, FolderRepository>();
  const warnings: string[] = [];
  for (const archive of archives.toSorted((a, b) => a.modified - b.modified)) {
    for (const { name, digest } of archive.named) {
      const key = canonicalName(name.repository);
      const repository = repositories.get(key) ?? new FolderRepository(name.repository);
      repositories.set(key, repository);
      repository.roots.push({ archive, digest });
      if (name.tag === undefined) continue;
      const before = repository.tags.get(name.tag);
      if (before && before.digest !== digest) {
        warnings.push(`${archive.path} has taken ${name.repository}:${name.tag} over from ${before.archive.path}`);
      }
      repository.tags.set(name.tag, taggedImage(archive, digest));
    }
  }
  for (const repository of repositories.values()) repository.sortTags();
  const names = [...repositories.values()].map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1));
  return { repositories, names, warnings };
}

/** There may be tens of thousands, of which few are asked for: until then a repository is only a list. */
class FolderRepository implements Repository {
  readonly name: string;
  tags = new Map<Tag, TaggedImage>();
  /** In the order in which their archives were changed. */
  readonly roots: ArchiveRoot[] = [];
  #holdings: Holdings | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get blobs(): ReadonlyMap<Digest, FileRange> {
    return this.#held.blobs;
  }

  get made(): ReadonlyMap<Digest, Uint8Array> {
    return this.#held.made;
  }

  readonly findManifest = (digest: Digest): ManifestContent | Promise<ManifestContent | undefined> =>
    this.#held.found.get(digest) ?? this.#rebuild(digest, this.#held);

  readonly referrersOf = (subject: Digest): readonly Descriptor[] => this.#held.referrers.get(subject) ?? [];

  sortTags(): void {
    if (this.tags.size > 1) this.tags = new Map([...this.tags].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async #rebuild(digest: Digest, holdings: Holdings): Promise<ManifestContent | undefined> {
    // Made when a digest is first asked for that nothing in the repository has.
    holdings.possible ??= possibleOf(holdings.manifests);
    const all = await holdings.possible;
    // Somebody else may have asked for it meanwhile, and the same manifest comes as the same object.
    const manifest = holdings.found.get(digest) ?? all.get(digest)?.();
    if (manifest) holdings.found.set(digest, manifest);
    return manifest;
  }

  get #held(): Holdings {
    this.#holdings ??= holdingsOf(this.roots);
    return this.#holdings;
  }
}

interface ArchiveRoot {
  readonly archive: ScannedArchive;
  readonly digest: Digest;
}

const taggedImage = (archive: ScannedArchive, digest: Digest): TaggedImage => ({
  digest,
  archive,
  get manifest() {
    const manifest = archive.manifests.get(digest);
    if (!manifest) throw new Error(`${archive.path} names ${digest} and does not hold it`);
    return manifest;
  },
});

/** What can be read in a repository. */
interface Holdings {
  readonly manifests: readonly FoundManifest[];
  /** These, and those that were asked for and could be made. */
  readonly found: Map<Digest, ManifestContent>;
  readonly blobs: ReadonlyMap<Digest, FileRange>;
  readonly made: ReadonlyMap<Digest, Uint8Array>;
  readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>;
  possible?: ReturnType<typeof possibleOf>;
}

function holdingsOf(roots: readonly ArchiveRoot[]): Holdings {
  const manifests = new Map<Digest, FoundManifest>();
  const blobs = new Map<Digest, FileRange>();
  const made = new Map<Digest, Uint8Array>();
  const referrers = new Map<ScannedArchive, ReadonlyMap<Digest, readonly Descriptor[]>>();
  for (const { archive, digest } of roots) {
    const own = referrers.get(archive) ?? referrersIn(archive.manifests);
    referrers.set(archive, own);
    for (const manifest of treeOf(archive, own, digest)) {
      manifests.set(manifest.descriptor.digest, manifest);
      const config = manifest.rebuilt?.config;
      if (config?.text !== undefined) made.set(config.digest, Buffer.from(config.text));
      for (const part of manifest.parts) {
        const file = archive.blobs.get(part.digest);
        if (file) blobs.set(part.digest, file);
      }
    }
  }
  const found = new Map<Digest, ManifestContent>(manifests);
  return { manifests: [...manifests.values()], found, blobs, made, referrers: referrersIn(manifests) };
}

/** A manifest, what it is made of, and in the same archive what refers to it. */
function* treeOf(
  archive: ScannedArchive,
  referrers: ReadonlyMap<Digest, readonly Descriptor[]>,
  root: Digest,
): Generator<FoundManifest> {
  const waiting = [root];
  const seen = new Set<Digest>();
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const manifest = archive.manifests.get(digest);
    if (!manifest || seen.has(digest)) continue;
    seen.add(digest);
    yield manifest;
    for (const part of manifest.parts) waiting.push(part.digest);
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
