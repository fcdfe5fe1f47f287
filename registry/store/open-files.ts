import {
  type BigIntStats,
  close as closeCallback,
  fstat as fstatCallback,
  fstatSync,
  open as openCallback,
  statfs as statfsCallback,
} from "node:fs";
import { promisify } from "node:util";
import { OPEN_FLAGS } from "../archive/files.ts";
import { isExhausted } from "./exhausted.ts";
import { identityOf } from "./file-state.ts";

const open = promisify(openCallback);
const close = promisify(closeCallback);
const fstatLater = promisify(fstatCallback);
const fstat = (fd: number) => fstatLater(fd, { bigint: true });
const statfs = promisify(statfsCallback);

/** How many files stay open that nobody reads. */
const LIMIT = 128;

/** How long at least they stay open, in ms; at most twice as long. Who unmounts a disk does not want to wait. */
const IDLE = 2_000;

/** A descriptor that may be shared, so it is only read from at positions. Close it once; more does nothing. */
export interface OpenFile {
  readonly fd: number;
  /** The file as it was when it was opened. */
  readonly stats: BigIntStats;
  /** The file as it is now. */
  now(): Promise<BigIntStats>;
  close(): Promise<void>;
}

/** Files that are read again and again, opened once. */
export interface OpenFiles {
  /** The file of this path that is open already, if it is still there and as it was. */
  kept(path: string): Promise<OpenFile | undefined>;
  /** Opens what the path names now, and keeps it. Throws errors of the file system. */
  open(path: string): Promise<OpenFile>;
}

/** Keeps up to `limit` files open for `idle` ms after their last use. */
export function openFiles({ limit = LIMIT, idle = IDLE } = {}): OpenFiles {
  /** The one used last stands at the end. */
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;

  const release = async (entry: Entry): Promise<void> => {
    entry.users--;
    if (entry.users === 0) await close(entry.fd);
  };
  const drop = (path: string, entry: Entry): void => {
    if (entries.get(path) !== entry) return;
    entries.delete(path);
    // That a file could not be closed helps nobody who asked for another one.
    release(entry).catch(() => {});
  };
  const sweep = (): void => {
    for (const [path, entry] of entries) {
      if (entry.users === 1 && !entry.used) drop(path, entry);
      entry.used = false;
    }
    if (entries.size === 0) timer = undefined;
    else timer?.refresh();
  };
  const dropIdle = (): void => {
    for (const [path, entry] of entries) if (entry.users === 1) drop(path, entry);
  };
  const keep = (path: string, entry: Entry): void => {
    const before = entries.get(path);
    if (before) drop(path, before);
    entry.users++;
    entries.set(path, entry);
    for (const [oldest, other] of entries) {
      if (entries.size <= limit) break;
      drop(oldest, other);
    }
    timer ??= setTimeout(sweep, idle).unref();
  };
  const lend = (entry: Entry): OpenFile => {
    entry.users++;
    entry.used = true;
    let closing: Promise<void> | undefined;
    return {
      fd: entry.fd,
      stats: entry.stats,
      now: () => statsOf(entry),
      close: () => {
        closing ??= release(entry);
        return closing;
      },
    };
  };

  return {
    async kept(path) {
      const entry = entries.get(path);
      if (!entry) return undefined;
      const file = lend(entry);
      const now = await statsOf(entry).catch(() => undefined);
      if (now && now.nlink > 0n && identityOf(now) === identityOf(entry.stats)) {
        if (entries.get(path) === entry) {
          entries.delete(path);
          entries.set(path, entry);
        }
        return file;
      }
      drop(path, entry);
      await file.close();
      return undefined;
    },
    async open(path) {
      const fd = await open(path, OPEN_FLAGS).catch((error: NodeJS.ErrnoException) => {
        if (!isExhausted(error)) throw error;
        dropIdle();
        return open(path, OPEN_FLAGS);
      });
      try {
        const stats = await fstat(fd);
        const entry = { fd, stats, isLocal: await isLocal(path, stats), users: 0, used: true };
        const file = lend(entry);
        keep(path, entry);
        return file;
      } catch (error) {
        await close(fd);
        throw error;
      }
    },
  };
}

interface Entry {
  readonly fd: number;
  readonly stats: BigIntStats;
  readonly isLocal: boolean;
  /** Who reads it, and one more while it is kept. */
  users: number;
  /** Since the last sweep. */
  used: boolean;
}

/** Of an open file on a local disk this is in memory, and ten times as fast without a thread; a share may be gone. */
const statsOf = async ({ fd, isLocal }: Entry): Promise<BigIntStats> =>
  isLocal ? fstatSync(fd, { bigint: true }) : fstat(fd);

/** The `f_type` of file systems that never ask another machine (statfs(2)): ext, xfs, btrfs, tmpfs, overlay, zfs, f2fs. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

const known = new Map<bigint, boolean>();

async function isLocal(path: string, { dev }: BigIntStats): Promise<boolean> {
  const before = known.get(dev);
  if (before !== undefined) return before;
  const found = process.platform === "linux" && LOCAL.has((await statfs(path).catch(() => ({ type: 0 }))).type);
  known.set(dev, found);
  return found;
}
