import { existsSync, lstatSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { sniffCompression } from "../archive/compression.ts";
import { type Plain, readResource } from "../archive/concourse.ts";
import type { ArchiveContent } from "../archive/content.ts";
import { type FileRange, hashRange, readHead } from "../archive/files.ts";
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
export type ArchiveMemory = Map<string, { readonly identity: string; readonly content: ArchiveContent | Unusable }>;

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
  /** Whether something was left out because it was written to just now. */
  readonly unsettled: boolean;
}

export interface SeenArchive {
  readonly content: ArchiveContent;
  /** When it was last changed, in ms. */
  readonly modified: number;
}

export function archiveReader(options: ReaderOptions): ArchiveReader {
  const { cache, failures, memory, settledBefore, accepted, hashed } = options;
  const sources = new Set<string>();
  const toUnpack: SeenFile[] = [];
  const toHash: Unhashed[] = [];
  const folders: string[] = [];
  let unsettled = false;

  const isSettled = (path: string, identity: string, modified: number): boolean =>
    settledBefore === undefined || modified <= settledBefore || accepted?.has(keyOf({ path, identity })) === true;

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
    throw new Passing("it is being read");
  };

  const read = (state: State, readNow: (hash: HashMember) => ArchiveContent): SeenArchive => {
    const { path, identity, modified } = state;
    sources.add(path);
    const known = memory?.get(path);
    if (known?.identity === identity && isStillThere(known.content, path)) {
      if (known.content instanceof Unusable) throw known.content;
      return { content: known.content, modified };
    }
    if (!isSettled(path, identity, modified)) {
      unsettled = true;
      throw new Passing("it was written to just now");
    }
    try {
      const content = readHashed(keyOf(state), readNow);
      memory?.set(path, { identity, content });
      return { content, modified };
    } catch (error) {
      if (error instanceof Unusable && !(error instanceof Passing)) memory?.set(path, { identity, content: error });
      throw error;
    }
  };

  /** Where a compressed tar lies unpacked. Throws Unusable when it does not yet, or cannot. */
  const unpacked = (seen: SeenFile, head: Buffer): string => {
    if (!cache) throw new Unusable(reasonOf(head));
    const failure = failures?.get(keyOf(seen));
    if (failure !== undefined) throw new Passing(failure);
    const found = cache.find(seen);
    if (found !== undefined) return found;
    toUnpack.push(seen);
    throw new Passing("it is being unpacked");
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
    get unsettled() {
      return unsettled;
    },
    readFolder(root, folder) {
      return readMembers(root, folder, readArchive);
    },
    readResource(root, folder) {
      return readMembers(root, folder, (members, state) => readResource(members, plainIn(state)));
    },
    readFile(path, stats, shown) {
      const seen = { path, size: stats.size, identity: identityOf(stats) };
      return read({ ...seen, modified: stats.ctimeMs }, (hash) =>
        readArchive(tarMembers(plainPath(seen, shown), shown, hash)),
      );
    },
  };
}

/** Stands for one that is not known yet. */
const NO_DIGEST = digestFrom("sha256", "0".repeat(64));

/** An archive in the state in which it is now. */
interface State {
  readonly path: string;
  readonly identity: string;
  readonly modified: number;
}

/** Whether the bytes of an archive lie where they were found: what was unpacked may have been removed. */
function isStillThere(content: ArchiveContent | Unusable, path: string): boolean {
  if (content instanceof Unusable) return true;
  const [file] = content.blobs.values();
  return file === undefined || file.path === path || existsSync(file.path);
}

/** The state of a folder is that of everything in it: a file can grow, or a link lead elsewhere, without the folder changing. */
function stateOf(folder: string, names: readonly string[]) {
  const parts: string[] = [];
  const inner: string[] = [];
  let modified = 0;
  for (const name of names) {
    const path = join(folder, name);
    const own = lstatSync(path, { throwIfNoEntry: false });
    const stats = own?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : own;
    if (own?.isDirectory()) inner.push(path);
    if (!own || own.isDirectory()) continue;
    parts.push(`${name} ${identityOf(own)} ${stats ? identityOf(stats) : ""}`);
    modified = Math.max(modified, own.ctimeMs, stats?.ctimeMs ?? 0);
  }
  return { path: folder, identity: parts.join("\n"), modified, inner };
}

/** Names a file in the state in which it was seen. A path has no zero byte. */
export const keyOf = ({ path, identity }: Pick<SeenFile, "path" | "identity">): string => `${path}\0${identity}`;

/** What must have changed when the content has. */
const identityOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string =>
  `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;

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
