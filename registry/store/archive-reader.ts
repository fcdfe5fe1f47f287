import { lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { sniffCompression } from "../archive/compression.ts";
import type { ArchiveContent } from "../archive/content.ts";
import { readHead } from "../archive/files.ts";
import { folderMembers, type Members, tarMembers } from "../archive/members.ts";
import { readArchive } from "../archive/read-archive.ts";
import { isTar } from "../archive/tar.ts";
import { Unusable } from "../archive/unusable.ts";
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
}

/** By path: what was read there, and in which state. */
export type ArchiveMemory = Map<string, { readonly identity: string; readonly content: ArchiveContent | Unusable }>;

/** Reads archives, each once for each state in which it is seen. Throws Unusable for what cannot be served (now). */
export interface ArchiveReader {
  /** The export unpacked in `folder`, which lies in `root`. */
  readFolder(root: string, folder: string): SeenArchive;
  /** The tar at `path`; `shown` is what it is called in a reason. */
  readFile(path: string, stats: Stats, shown: string): SeenArchive;
  /** The paths of all that was asked for. */
  readonly sources: ReadonlySet<string>;
  /** Compressed tars that have to be unpacked before they can be read. */
  readonly toUnpack: readonly SeenFile[];
  /** Whether something was left out because it was written to just now. */
  readonly unsettled: boolean;
}

export interface SeenArchive {
  readonly content: ArchiveContent;
  /** When it was last changed, in ms. */
  readonly modified: number;
}

export function archiveReader({ cache, failures, memory, settledBefore, accepted }: ReaderOptions): ArchiveReader {
  const sources = new Set<string>();
  const toUnpack: SeenFile[] = [];
  let unsettled = false;

  const isSettled = (path: string, identity: string, modified: number): boolean =>
    settledBefore === undefined || modified <= settledBefore || accepted?.has(keyOf({ path, identity })) === true;

  const read = (path: string, identity: string, modified: number, readNow: () => ArchiveContent): SeenArchive => {
    sources.add(path);
    const known = memory?.get(path);
    if (known?.identity === identity) {
      if (known.content instanceof Unusable) throw known.content;
      return { content: known.content, modified };
    }
    if (!isSettled(path, identity, modified)) {
      unsettled = true;
      throw new Waiting("it was written to just now");
    }
    try {
      const content = readNow();
      memory?.set(path, { identity, content });
      return { content, modified };
    } catch (error) {
      if (error instanceof Unusable && !(error instanceof Waiting)) memory?.set(path, { identity, content: error });
      throw error;
    }
  };

  /** Where a compressed tar lies unpacked. Throws Unusable when it does not yet, or cannot. */
  const unpacked = (seen: SeenFile, head: Buffer): string => {
    if (!cache) throw new Unusable(reasonOf(head));
    const failure = failures?.get(keyOf(seen));
    if (failure !== undefined) throw new Unusable(failure);
    const found = cache.find(seen);
    if (found !== undefined) return found;
    toUnpack.push(seen);
    throw new Waiting("it is being unpacked");
  };

  const openFile = (seen: SeenFile, shown: string): Members => {
    const head = readHead({ path: seen.path, offset: 0, size: seen.size }, 512, shown);
    if (isTar(head)) return tarMembers(seen.path, shown);
    if (sniffCompression(head) !== "none") return tarMembers(unpacked(seen, head), shown);
    throw new Unusable(reasonOf(head));
  };

  return {
    sources,
    toUnpack,
    get unsettled() {
      return unsettled;
    },
    readFolder(root, folder) {
      const members = folderMembers(root, folder);
      const all = members.names().flatMap((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }) ?? []);
      const files = all.filter((stats) => stats.isFile());
      // A file of a folder can grow without the folder changing.
      const identity = files.map(identityOf).join(" ");
      const modified = Math.max(0, ...files.map(({ ctimeMs }) => ctimeMs));
      return read(folder, identity, modified, () => readArchive(members));
    },
    readFile(path, stats, shown) {
      const seen = { path, size: stats.size, identity: identityOf(stats) };
      return read(path, seen.identity, stats.ctimeMs, () => readArchive(openFile(seen, shown)));
    },
  };
}

/** A reason that passes without anybody changing the file. */
class Waiting extends Unusable {}

/** Names a file in the state in which it was seen. */
export const keyOf = ({ path, identity }: Pick<SeenFile, "path" | "identity">): string => `${path} ${identity}`;

/** What must have changed when the content has. */
const identityOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string =>
  `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;

/** What is no tar, by its first bytes, and what to do about it. */
function reasonOf(head: Buffer): string {
  for (const [magic, reason] of FOREIGN) if (head.subarray(0, magic.length).equals(magic)) return reason;
  return head.length === 0
    ? "the file is empty"
    : "it is no archive of images: neither a folder of an export nor a tar";
}

const FOREIGN: readonly [Buffer, string][] = [
  [Buffer.from([0x1f, 0x8b]), "it is compressed with gzip, and there is no cache to unpack it into"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "it is compressed with zstd, and there is no cache to unpack it into"],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), "it is compressed with xz; unpack it with unxz"],
  [Buffer.from("BZh"), "it is compressed with bzip2; unpack it with bunzip2"],
  [Buffer.from("PK"), "it is a zip; unpack it, or pack the image as a tar"],
];
