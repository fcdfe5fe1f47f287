import { type FSWatcher, statSync, watch } from "node:fs";
import { basename } from "node:path";
import { type FileRange, unreadable } from "../archive/files.ts";
import { Passing, Unusable } from "../archive/unusable.ts";
import type { Digest } from "../reference.ts";
import { type ArchiveMemory, isReplaced, keyOf, type Unhashed } from "./archive-reader.ts";
import { type Catalogue, catalogueOf } from "./catalogue.ts";
import { hashOf } from "./hash.ts";
import { type Scan, scan } from "./scan.ts";
import type { ScanCache } from "./scan-cache.ts";
import type { UnpackCache } from "./unpack-cache.ts";

/** A folder that is served while people change it. */
export interface LiveFolder {
  /** What the folder holds now; another object after each change. */
  readonly current: Catalogue;
  /** Resolves when what was there at the start has been unpacked and hashed. */
  readonly ready: Promise<void>;
  /** Whether a file is not any more the one that `current` speaks of. */
  isReplaced(path: string): boolean;
  close(): void;
}

export interface LiveOptions {
  readonly cache?: UnpackCache;
  /** Where it is kept what was read of the archives; without it each start reads them all. */
  readonly scans?: ScanCache;
  /** Hashes a member of an archive whose name does not say its digest; for tests, which watch what happens meanwhile. */
  readonly hash?: (file: FileRange) => Promise<Digest>;
  /** Hears of each change that became visible, and of a folder that cannot be read any more. */
  readonly onChange?: (catalogue: Catalogue) => void;
  readonly onError?: (error: unknown) => void;
}

/** An archive is taken when nobody has written to it for this long, in ms; one that was moved here, when seen twice. */
export const SETTLE = 700;
/** After a sign of change, how long until the folder is looked at, and again while something is not settled. */
const SOON = 250;
/** A look blocks everything else, so after one of 200 ms (10,000 archives) the next comes this many times later. */
const PAUSE = 5;
/** Signs get lost (network file systems, too many folders to watch): how often the folder is looked at anyway. */
const REGULARLY = 30_000;
const WITHOUT_WATCHING = 1_500;

/**
 * Reads a folder and keeps what it gives up to date: files may be added, replaced, moved and removed at any moment. Each
 * look builds a new catalogue out of what has changed and swaps it in whole; what is being read or sent from a removed
 * file goes on to its end. An archive that is replaced stays in the catalogue as it was until the new one has settled;
 * its manifests are in memory, and of its blobs `isReplaced` tells that they have to be asked for again.
 * Throws only when the folder cannot be read at the start.
 */
export function openFolder(folder: string, options: LiveOptions = {}): LiveFolder {
  const { cache, scans, hash = hashWhole, onChange, onError } = options;
  const memory: ArchiveMemory = scans?.load() ?? new Map();
  const failures = new Map<string, string>();
  const accepted = new Set<string>();
  /** Failures that are tried again, and when (ms). */
  const passing = new Map<string, number>();
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>();
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  let closed = false;
  let soon = SOON;
  const hashed = new Map<string, Digest>();
  const served = new Map<string, number>();
  let unsettledBefore: ReadonlyMap<string, string> = new Map();
  /** What takes longer than a look: unpacking and hashing, one after the other. */
  let working: Promise<void> | undefined;
  let latest: Scan | undefined;

  const look = (settledBefore?: number): Scan => {
    const options = {
      memory,
      failures,
      accepted,
      hashed,
      served,
      unsettledBefore,
      ...(cache ? { cache } : {}),
      ...(settledBefore ? { settledBefore } : {}),
    };
    const started = performance.now();
    const found = scan(folder, options);
    unsettledBefore = found.unsettled;
    soon = Math.max(SOON, PAUSE * (performance.now() - started));
    forget(memory, failures, found);
    for (const path of served.keys()) if (!memory.has(path)) served.delete(path);
    return found;
  };

  const first = look();
  let shown = textOf(first);
  let current = catalogueOf(first);

  const refresh = (): void => {
    if (closed) return;
    due = Number.POSITIVE_INFINITY;
    for (const [key, at] of passing) {
      if (Date.now() < at) continue;
      failures.delete(key);
      passing.delete(key);
    }
    try {
      take(look(Date.now() - SETTLE));
    } catch (error) {
      // The folder itself is gone or cannot be read: what was known stays until it can be.
      latest = undefined;
      onError?.(error);
      plan(REGULARLY);
    }
  };

  const take = (found: Scan): void => {
    follow(found.folders);
    const text = textOf(found);
    if (text !== shown) {
      shown = text;
      current = catalogueOf(found);
      onChange?.(current);
    }
    latest = found;
    if (!working && hasWork(found)) working = work(found).finally(worked);
    else if (!working) cache?.keepOnly(unpackedIn(memory));
    scans?.keep(memory);
    plan(found.unsettled.size > 0 ? soon : watchers.size < found.folders.length ? WITHOUT_WATCHING : REGULARLY);
  };

  /** What was unpacked may have to be hashed, so until nothing is left. Each archive is served as soon as it can be. */
  const work = async (found: Scan): Promise<void> => {
    for (let next: Scan | undefined = found; next && hasWork(next) && !closed; next = latest) {
      for (const file of next.toUnpack) {
        await attempt(keyOf(file), file.partOf ?? keyOf(file), async () => cache?.unpack(file));
      }
      for (const [archive, members] of byArchive(next.toHash)) {
        await attempt(archive, archive, async () => {
          for (const { key, file } of members) hashed.set(key, await hash(file));
        });
      }
    }
  };

  /** `file` is what may fail, `archive` what it belongs to. */
  const attempt = async (file: string, archive: string, prepare: () => Promise<void>): Promise<void> => {
    if (closed) return;
    accepted.add(archive);
    try {
      await prepare();
    } catch (error) {
      const reason = error instanceof Error && "syscall" in error ? unreadable(error, "it") : error;
      if (!(reason instanceof Unusable)) throw error;
      failures.set(file, reason.message);
      if (reason instanceof Passing) passing.set(file, Date.now() + REGULARLY);
    }
    refresh();
  };

  const worked = (): void => {
    working = undefined;
    accepted.clear();
    hashed.clear();
    // For what came meanwhile, and for what is not needed any more.
    plan(soon);
  };

  const plan = (delay: number): void => {
    if (closed || Date.now() + delay >= due) return;
    clearTimeout(timer);
    due = Date.now() + delay;
    timer = setTimeout(refresh, delay);
    timer.unref();
  };

  const unfollow = (path: string): void => {
    watchers.get(path)?.watcher.close();
    watchers.delete(path);
  };

  const follow = (folders: readonly string[]): void => {
    const wanted = new Set(folders);
    for (const [path, { inode }] of watchers) {
      // Another folder may have come to the place of the watched one.
      if (!wanted.has(path) || inodeOf(path) !== inode) unfollow(path);
    }
    for (const path of folders) {
      if (watchers.has(path)) continue;
      try {
        const watcher = watch(path, { persistent: false }, (event, name) => {
          // The folder itself has gone: what is made or moved to its place has to be watched anew.
          if (event === "rename" && name === basename(path)) unfollow(path);
          plan(soon);
        });
        watcher.on("error", () => unfollow(path));
        watchers.set(path, { watcher, inode: inodeOf(path) });
      } catch {
        // More folders than the system watches: looking regularly finds the changes, only later.
        return;
      }
    }
  };

  take(first);
  // What was written just before the start may be written still.
  plan(SETTLE + SOON);
  return {
    get current() {
      return current;
    },
    isReplaced: (path) => isReplaced(memory, path),
    ready: Promise.resolve(working).then(() => {}),
    close() {
      closed = true;
      clearTimeout(timer);
      scans?.close();
      for (const { watcher } of watchers.values()) watcher.close();
    },
  };
}

const hasWork = ({ toUnpack, toHash }: Scan): boolean => toUnpack.length > 0 || toHash.length > 0;

function byArchive(members: readonly Unhashed[]): Map<string, Unhashed[]> {
  const archives = new Map<string, Unhashed[]>();
  for (const member of members) archives.set(member.archive, [...(archives.get(member.archive) ?? []), member]);
  return archives;
}

async function hashWhole(file: FileRange): Promise<Digest> {
  const { digest, read } = await hashOf(file, "sha256");
  if (read < file.size) throw new Passing("it became shorter while it was read");
  return digest;
}

const inodeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0;

/** Tells one state of the folder from another. */
const textOf = ({ archives, skipped }: Scan): string =>
  JSON.stringify([archives.map(({ path, modified, named }) => [path, modified, named]), skipped]);

/** What was unpacked of all that is remembered, also of what is not served just now (for a wrong sidecar, …). */
const unpackedIn = (memory: ArchiveMemory): Set<string> =>
  new Set([...memory.values()].flatMap(({ unpacked }) => unpacked));

/** Drops what was remembered of files that are gone. */
function forget(memory: ArchiveMemory, failures: Map<string, string>, { sources }: Scan): void {
  for (const path of memory.keys()) if (!sources.has(path)) memory.delete(path);
  for (const key of failures.keys()) if (!sources.has(key.slice(0, key.indexOf("\0")))) failures.delete(key);
}
