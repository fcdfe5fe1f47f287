import { existsSync, lstatSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { sniffCompression } from "../archive/compression.ts";
import { type Plain, readResource } from "../archive/concourse.ts";
import type { ArchiveContent } from "../archive/content.ts";
import { type FileRange, hashRange, holdOpen, readHead } from "../archive/files.ts";
import { folderMembers, type HashMember, type Members, tarMembers } from "../archive/members.ts";
import { readArchive } from "../archive/read-archive.ts";
import { isTar } from "../archive/tar.ts";
import { Passing, Unusable } from "../archive/unusable.ts";
import { type Digest, digestFrom } from "../reference.ts";
import type { SeenFile, UnpackCache } from "./unpack-cache.ts";

export interface ReaderOptions {
  /** Where compressed tars lie unpacked; without it they are skipped. */
  readonly cache?: Pick<UnpackCache, "find">;
  /** Why compressed tars could not be unpacked, by `keyOf`. */
  readonly failures?: ReadonlyMap<string, string>;
  /** What was read before; what has not changed since is not read again. */
  readonly memory?: ArchiveMemory;
  /** What was written to after this time (ms) is left out for now, unless it has been accepted (`keyOf`) already. */
  readonly settledBefore?: number;
  readonly accepted?: ReadonlySet<string>;
  /** What the last look found unsettled (`ArchiveReader.unsettled`). */
  readonly unsettledBefore?: ReadonlyMap<string, string>;
  /**
   * By path: when what is served from there was last changed, in ms. With it an archive that was replaced goes on as it was
   * until the new one can be read: without gap, and what was unpacked of the old one is still there.
   */
  readonly served?: Map<string, number>;
  /** Digests of members whose names do not say them, by `Unhashed.key`. Without it they are hashed at once. */
  readonly hashed?: ReadonlyMap<string, Digest>;
}

/** A member that has to be hashed before its archive can be served. */
export interface Unhashed {
  readonly key: string;
  /** `keyOf` its archive. */
  readonly archive: string;
  readonly file: FileRange;
}

/** By path: what was read there, and in which state. */
export type ArchiveMemory = Map<string, ReadArchive>;

export interface ReadArchive {
  readonly identity: string;
  readonly content: ArchiveContent | Unusable;
  /** Whether the identity tells any change since; not of what was written to a moment before it was read. */
  readonly lasting: boolean;
  /** The tars that were unpacked of it, where it was compressed as a whole. */
  readonly unpacked: readonly string[];
}

/** Clocks of file systems stand still for some ms; what is written meanwhile does not show in the times. */
const CLOCK_STEP = 500;

/** Reads archives, each once for each state in which it is seen. Throws Unusable for what cannot be served (now). */
export interface ArchiveReader {
  /** The export unpacked in `folder`, which lies in `root`. */
  readFolder(root: string, folder: string): SeenArchive;
  /** The image that Concourse left in `folder`, which lies in `root`. */
  readResource(root: string, folder: string): SeenArchive;
  /** The tar at `path`; `shown` is what it is called in a reason. */
  readFile(path: string, stats: Stats, shown: string): SeenArchive;
  /** The folders inside of exports: what to watch besides those that were walked. */
  readonly folders: readonly string[];
  /** The paths of all that was asked for. */
  readonly sources: ReadonlySet<string>;
  /** Compressed tars that have to be unpacked before they can be read. */
  readonly toUnpack: readonly SeenFile[];
  /** What has to be hashed before its archive can be served. */
  readonly toHash: readonly Unhashed[];
  /** By path, what has to wait because it was written to just now, and its identity. */
  readonly unsettled: ReadonlyMap<string, string>;
}

export interface SeenArchive {
  readonly content: ArchiveContent;
  /** When it was last changed, in ms. */
  readonly modified: number;
}

export function archiveReader(options: ReaderOptions): ArchiveReader {
  const { cache, failures, memory, settledBefore, accepted, unsettledBefore, served, hashed } = options;
  const sources = new Set<string>();
  const toUnpack: SeenFile[] = [];
  const toHash: Unhashed[] = [];
  const folders: string[] = [];
  const unsettled = new Map<string, string>();
  /** Of the archive that is being read. */
  let unpackedTars: string[] = [];

  const isSettled = ({ path, identity, modified, written }: State): boolean => {
    if (settledBefore === undefined || modified <= settledBefore) return true;
    if (accepted?.has(keyOf({ path, identity }))) return true;
    // Every write sets the time of modification, and tools that set it back do so at their end. So what was last written
    // to long ago was moved here (which sets only the time of change) or copied to its end: seen twice alike, it is whole.
    return written <= settledBefore && unsettledBefore?.get(path) === identity;
  };

  /** Reads an archive with the digests that are known. Throws Passing when others are needed first. */
  const readHashed = (archive: string, readNow: (hash: HashMember) => ArchiveContent): ArchiveContent => {
    if (!hashed) return readNow(hashRange);
    const missing: Unhashed[] = [];
    const content = readNow((file) => {
      const key = `${archive}\0${file.path}\0${file.offset}`;
      const known = hashed.get(key);
      if (known === undefined) missing.push({ key, archive, file });
      // What is read with it is thrown away; reading on finds all that has to be hashed in one go.
      return known ?? NO_DIGEST;
    });
    if (missing.length === 0) return content;
    const failure = failures?.get(archive);
    if (failure !== undefined) throw new Passing(failure);
    toHash.push(...missing);
    throw new Waiting("it is being read");
  };

  const read = (state: State, readNow: (hash: HashMember) => ArchiveContent): SeenArchive => {
    const { path, identity, modified } = state;
    sources.add(path);
    const known = memory?.get(path);
    if (known?.identity === identity && isStillThere(known)) {
      if (known.content instanceof Unusable) throw known.content;
      served?.set(path, modified);
      return { content: known.content, modified };
    }
    const lasting = modified < Date.now() - CLOCK_STEP;
    unpackedTars = [];
    try {
      if (!isSettled(state)) {
        unsettled.set(path, identity);
        throw new Waiting("it was written to just now");
      }
      const content = readHashed(keyOf(state), readNow);
      memory?.set(path, { identity, content, lasting, unpacked: unpackedTars });
      served?.set(path, modified);
      return { content, modified };
    } catch (error) {
      const before = served?.get(path);
      const isServed = known && !(known.content instanceof Unusable) && isStillThere(known);
      if (error instanceof Waiting && isServed && before !== undefined) {
        return { content: known.content, modified: before };
      }
      if (error instanceof Unusable && !(error instanceof Passing)) {
        memory?.set(path, { identity, content: error, lasting, unpacked: unpackedTars });
      }
      throw error;
    }
  };

  /** Where a compressed tar lies unpacked. Throws Unusable when it does not yet, or cannot. */
  const unpacked = (seen: SeenFile, head: Buffer): string => {
    if (!cache) throw new Unusable(reasonOf(head));
    const failure = failures?.get(keyOf(seen));
    if (failure !== undefined) throw new Passing(failure);
    const found = cache.find(seen);
    if (found !== undefined) {
      unpackedTars.push(found);
      return found;
    }
    toUnpack.push(seen);
    throw new Waiting("it is being unpacked");
  };

  /** Where the tar lies that a file is, or holds compressed. */
  const plainPath = (seen: SeenFile, shown: string): string => {
    const head = readHead({ path: seen.path, offset: 0, size: seen.size }, 512, shown);
    if (isTar(head)) return seen.path;
    if (sniffCompression(head) !== "none") return unpacked(seen, head);
    throw new Unusable(reasonOf(head));
  };

  /** The same for a file in a folder that is read as a whole. */
  const plainIn =
    (folder: State): Plain =>
    ({ path }, shown) => {
      const stats = statSync(path);
      sources.add(path);
      const seen = { path, size: stats.size, identity: identityOf(stats), partOf: keyOf(folder) };
      const plain = plainPath(seen, shown);
      return { path: plain, offset: 0, size: statSync(plain).size };
    };

  const readTar = (seen: SeenFile, shown: string, hash: HashMember): ArchiveContent =>
    holdOpen(seen.path, shown, () => {
      const plain = plainPath(seen, shown);
      return holdOpen(plain, shown, () => readArchive(tarMembers(plain, shown, hash)));
    });

  const readMembers = (root: string, folder: string, readNow: (members: Members, state: State) => ArchiveContent) => {
    const members = folderMembers(root, folder);
    const { inner, ...state } = stateOf(folder, members.names());
    folders.push(...inner);
    return read(state, (hash) => readNow({ ...members, hash }, state));
  };

  return {
    folders,
    sources,
    toUnpack,
    toHash,
    unsettled,
    readFolder(root, folder) {
      return readMembers(root, folder, readArchive);
    },
    readResource(root, folder) {
      return readMembers(root, folder, (members, state) => readResource(members, plainIn(state)));
    },
    readFile(path, stats, shown) {
      const seen = { path, size: stats.size, identity: identityOf(stats) };
      return read({ ...seen, modified: stats.ctimeMs, written: stats.mtimeMs }, (hash) => readTar(seen, shown, hash));
    },
  };
}

/** Stands for one that is not known yet. */
const NO_DIGEST = digestFrom("sha256", "0".repeat(64));

/** An archive in the state in which it is now. */
interface State {
  readonly path: string;
  readonly identity: string;
  /** When it was last changed, and when it was last written to, in ms. */
  readonly modified: number;
  readonly written: number;
}

/** A reason that passes by itself, in a moment. */
class Waiting extends Passing {}

/** Whether the bytes of an archive lie where they were found: what was unpacked may have been removed. */
const isStillThere = ({ unpacked }: ReadArchive): boolean => unpacked.every((path) => existsSync(path));

/** The state of a folder is that of everything in it: a file can grow, or a link lead elsewhere, without the folder changing. */
function stateOf(folder: string, names: readonly string[]) {
  const parts: string[] = [];
  const inner: string[] = [];
  let modified = 0;
  let written = 0;
  for (const name of names) {
    const path = join(folder, name);
    const own = lstatSync(path, { throwIfNoEntry: false });
    const stats = own?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : own;
    if (own?.isDirectory()) inner.push(path);
    if (!own || own.isDirectory()) continue;
    parts.push(`${name} ${identityOf(own)} ${stats ? identityOf(stats) : ""}`);
    modified = Math.max(modified, own.ctimeMs, stats?.ctimeMs ?? 0);
    written = Math.max(written, own.mtimeMs, stats?.mtimeMs ?? 0);
  }
  return { path: folder, identity: parts.join("\n"), modified, written, inner };
}

/** Whether the file at `path` is another one than when the archive that it is or lies in was read. */
export function isReplaced(memory: ArchiveMemory, path: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch {
    // That it cannot be reached is told by whoever wants to read it.
  }
  if (!stats) return false;
  for (let place = path; ; place = dirname(place)) {
    const known = memory.get(place);
    // The identity of a folder is made of those of its files.
    if (known) return !known.identity.includes(identityOf(stats));
    if (place === dirname(place)) return false;
  }
}

/** Names a file in the state in which it was seen. A path has no zero byte. */
export const keyOf = ({ path, identity }: Pick<SeenFile, "path" | "identity">): string => `${path}\0${identity}`;

/** What must have changed when the content has. Not the number of the device, which may be another after a restart. */
const identityOf = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => `${ino}:${size}:${mtimeMs}:${ctimeMs}`;

/** What is no tar, by its first bytes, and what to do about it. */
function reasonOf(head: Buffer): string {
  for (const [magic, reason] of FOREIGN) if (head.subarray(0, magic.length).equals(magic)) return reason;
  return head.length === 0 ? "the file is empty" : "it is no archive of images: not a tar";
}

const FOREIGN: readonly [Buffer, string][] = [
  [Buffer.from([0x1f, 0x8b]), "it is compressed with gzip, and there is no cache to unpack it into"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "it is compressed with zstd, and there is no cache to unpack it into"],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), "it is compressed with xz; unpack it with unxz"],
  [Buffer.from("BZh"), "it is compressed with bzip2; unpack it with bunzip2"],
  [Buffer.from("PK"), "it is a zip; unpack it, or pack the image as a tar"],
];
