import { createHash, randomUUID } from "node:crypto";
import { fstatSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { ArchiveContent, FoundManifest, Root } from "../archive/content.ts";
import { type FileRange, withFile } from "../archive/files.ts";
import { describeManifest } from "../archive/manifests.ts";
import { canonicalManifest, type ImageParts } from "../archive/serialisations.ts";
import { Unusable } from "../archive/unusable.ts";
import type { Digest } from "../reference.ts";
import type { ManifestContent } from "../registry.ts";
import type { ArchiveMemory, ReadArchive } from "./archive-reader.ts";
import { LazyMap } from "./lazy-map.ts";
import { readersHash } from "./readers-hash.ts";
import { PARTIAL } from "./unpack-cache.ts";

/**
 * What was read of the archives, kept in a file, so that after a restart only what has changed is read. The file proves
 * itself; one that is torn, from another program or made by other code is as good as none, and is written anew.
 */
export interface ScanCache {
  /** What is in the file. Throws nothing: without a good file, nothing is remembered. */
  load(): ArchiveMemory;
  /** Writes the file when this is not what is in it: some time later, in small steps, so that nobody waits for it. */
  keep(memory: ArchiveMemory): void;
  /** Writes no more. */
  close(): void;
}

export interface ScanCacheOptions {
  /** Hears once that the file cannot be written. */
  readonly onError?: (error: unknown) => void;
  /** How long after a change the file is written, in ms: who copies one archive often copies more. */
  readonly delay?: number;
}

const FILE = "scan";
const DELAY = 2_000;
/** Archives that are put into words in one go: some ms. */
const STEP = 200;

/** The file lies in `folder`, which is made when it is written. */
export function scanCache(folder: string, { onError, delay = DELAY }: ScanCacheOptions = {}): ScanCache {
  const file = join(folder, FILE);
  let kept: ReadonlyMap<string, KeptArchive> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let failed = false;
  let closed = false;

  const write = async (memory: ArchiveMemory): Promise<void> => {
    timer = undefined;
    writing = true;
    try {
      const archives = lastingIn(memory);
      await replaceFile(folder, file, archives);
      kept = archives;
    } catch (error) {
      if (!failed) onError?.(error);
      failed = true;
      return;
    } finally {
      writing = false;
    }
    // What came meanwhile.
    keep(memory);
  };

  const keep = (memory: ArchiveMemory): void => {
    if (closed || writing || timer || isSame(kept, lastingIn(memory))) return;
    timer = setTimeout(() => void write(memory), delay);
    timer.unref();
  };

  return {
    load() {
      kept = readFile(file);
      return new Map(kept);
    },
    keep,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

type KeptArchive = ReadArchive & { readonly content: ArchiveContent };

/** What is wrong with an archive may pass without it being changed (a bad disk, no permission), so that is read again. */
const isKeepable = (archive: ReadArchive): archive is KeptArchive =>
  archive.lasting && !(archive.content instanceof Unusable) && archive.content.problems.length === 0;

function lastingIn(memory: ArchiveMemory): Map<string, KeptArchive> {
  const lasting = new Map<string, KeptArchive>();
  for (const [path, archive] of memory) if (isKeepable(archive)) lasting.set(path, archive);
  return lasting;
}

function isSame(kept: ReadonlyMap<string, KeptArchive>, now: ReadonlyMap<string, KeptArchive>): boolean {
  if (kept.size !== now.size) return false;
  for (const [path, archive] of now) if (kept.get(path) !== archive) return false;
  return true;
}

/**
 * The first line says which code wrote the file. Then follow two lines for each archive, of which the second is only
 * looked at when somebody wants to know what is in the archive. The hash of all that ends it.
 */
async function replaceFile(folder: string, path: string, archives: ReadonlyMap<string, KeptArchive>): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.${randomUUID()}${PARTIAL}`;
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      await writeLines(file, [...archives]);
      // Before it gets its name: after a power cut the old file is better than half of the new one.
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

async function writeLines(file: FileHandle, archives: readonly [string, KeptArchive][]): Promise<void> {
  const hash = createHash("sha256");
  const write = async (text: string): Promise<void> => {
    hash.update(text);
    await file.writeFile(text);
  };
  await write(`${readersHash()}\n`);
  for (let start = 0; start < archives.length; start += STEP) {
    await write(
      archives
        .slice(start, start + STEP)
        .map(linesOf)
        .join(""),
    );
  }
  await file.writeFile(hash.digest("hex"));
}

const HASH_LENGTH = 64;
const LINE_FEED = 0x0a;

function readFile(path: string): Map<string, KeptArchive> {
  try {
    return archivesIn(withFile(path, "the file", (fd) => (isOwn(fd) ? readFileSync(fd) : Buffer.alloc(0))));
  } catch {
    // There is none yet, or it cannot be used: the archives are read, and it is written.
    return new Map();
  }
}

/** What others wrote is not believed: it says where in which files bytes lie. */
const isOwn = (fd: number): boolean => process.getuid === undefined || fstatSync(fd).uid === process.getuid();

function archivesIn(bytes: Buffer): Map<string, KeptArchive> {
  const archives = new Map<string, KeptArchive>();
  const end = Math.max(bytes.length - HASH_LENGTH, 0);
  const proof = createHash("sha256").update(bytes.subarray(0, end)).digest("hex");
  if (proof !== bytes.toString("latin1", end)) return archives;
  let start = bytes.indexOf(LINE_FEED) + 1;
  if (bytes.toString("latin1", 0, start - 1) !== readersHash()) return archives;
  while (start < end) {
    const middle = bytes.indexOf(LINE_FEED, start);
    const next = bytes.indexOf(LINE_FEED, middle + 1) + 1;
    if (middle < 0 || next === 0) throw new Error("a line is missing");
    const head = JSON.parse(bytes.toString("utf8", start, middle)) as Head;
    archives.set(head[0], decode(head, bytes.subarray(middle + 1, next)));
    start = next;
  }
  return archives;
}

/** What is needed to list an archive. Short, because there may be tens of thousands. */
type Head = readonly [
  path: string,
  identity: string,
  form: string,
  unpacked: readonly string[],
  roots: readonly Root[],
];
/** What is in it; most of a manifest can be made again. */
type Inside = readonly [manifests: readonly KeptManifest[], blobs: readonly KeptBlob[]];
/** Of one that was rebuilt its parts, and its bytes when they are not the canonical ones. */
type KeptManifest =
  | readonly [platform: string, rebuilt: ImageParts]
  | readonly [platform: string, rebuilt: ImageParts | null, original: Original];
/** The bytes as latin1, which gives back any bytes. */
type Original = readonly [digest: Digest, mediaType: string, bytes: string];
/** Without a path, in the archive itself. */
type KeptBlob = readonly [digest: Digest, offset: number, size: number, path?: string];

/** The second line of archives that were not looked into since they came from the file. */
const insides = new WeakMap<ArchiveContent, Buffer>();

function linesOf([path, { identity, content, unpacked }]: [string, KeptArchive]): string {
  const head: Head = [path, identity, content.form, unpacked, content.roots];
  const inside = insides.get(content)?.toString() ?? `${JSON.stringify(insideOf(content, unpacked[0] ?? path))}\n`;
  return `${JSON.stringify(head)}\n${inside}`;
}

const insideOf = ({ manifests, blobs }: ArchiveContent, own: string): Inside => [
  [...manifests.values()].map(keptManifest),
  [...blobs].map(([digest, { path, offset, size }]) =>
    path === own ? [digest, offset, size] : [digest, offset, size, path],
  ),
];

function keptManifest({ descriptor, bytes, platform, rebuilt }: FoundManifest): KeptManifest {
  const { digest, mediaType } = descriptor;
  if (rebuilt && canonicalManifest(rebuilt).descriptor.digest === digest) return [platform, rebuilt];
  return [platform, rebuilt ?? null, [digest, mediaType, Buffer.from(bytes).toString("latin1")]];
}

function decode([path, identity, form, unpacked, roots]: Head, line: Buffer): KeptArchive {
  const inside = once((): Pick<ArchiveContent, "manifests" | "blobs"> => {
    const [manifests, blobs] = JSON.parse(line.toString()) as Inside;
    return { manifests: manifestsOf(manifests), blobs: blobsOf(blobs, unpacked[0] ?? path) };
  });
  const manifests = new LazyMap(() => inside().manifests);
  const blobs = new LazyMap(() => inside().blobs);
  const content: ArchiveContent = { form, roots, manifests, blobs, problems: [] };
  insides.set(content, line);
  return { identity, content, lasting: true, unpacked };
}

const manifestsOf = (manifests: readonly KeptManifest[]): Map<Digest, FoundManifest> =>
  new Map(manifests.map(foundManifest).map((manifest) => [manifest.descriptor.digest, manifest]));

const blobsOf = (blobs: readonly KeptBlob[], own: string): Map<Digest, FileRange> =>
  new Map(blobs.map(([digest, offset, size, path = own]) => [digest, { path, offset, size }]));

function foundManifest(kept: KeptManifest): FoundManifest {
  const [platform, rebuilt] = kept;
  const manifest = kept.length === 2 ? canonicalManifest(kept[1]) : originalManifest(kept[2]);
  return { ...describeManifest(manifest), platform, ...(rebuilt ? { rebuilt } : {}) };
}

function originalManifest([digest, mediaType, text]: Original): ManifestContent {
  const bytes = Buffer.from(text, "latin1");
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
