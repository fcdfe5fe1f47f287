import { type FSWatcher, statSync, watch } from "node:fs";
import { Passing, Unusable } from "../archive/unusable.ts";
import { type ArchiveMemory, keyOf } from "./archive-reader.ts";
import { type Catalogue, catalogueOf } from "./catalogue.ts";
import { type Scan, scan } from "./scan.ts";
import type { UnpackCache } from "./unpack-cache.ts";

/** A folder that is served while people change it. */
export interface LiveFolder {
  /** What the folder holds now; another object after each change. */
  readonly current: Catalogue;
  /** Resolves when what was there at the start has been unpacked. */
  readonly ready: Promise<void>;
  close(): void;
}

export interface LiveOptions {
  readonly cache?: UnpackCache;
  /** Hears of each change that became visible, and of a folder that cannot be read any more. */
  readonly onChange?: (catalogue: Catalogue) => void;
  readonly onError?: (error: unknown) => void;
}

/** An archive is taken when nobody has written to it for this long, in ms. */
const SETTLE = 700;
/** After a sign of change, how long until the folder is looked at, and again while something is not settled. */
const SOON = 250;
/** Signs get lost (network file systems, too many folders to watch): how often the folder is looked at anyway. */
const REGULARLY = 30_000;
const WITHOUT_WATCHING = 1_500;

/**
 * Reads a folder and keeps what it gives up to date: files may be added, replaced, moved and removed at any moment. Each
 * look builds a new catalogue out of what has changed and swaps it in whole; what is being read or sent from a removed
 * file goes on to its end. Throws only when the folder cannot be read at the start.
 */
export function openFolder(folder: string, { cache, onChange, onError }: LiveOptions = {}): LiveFolder {
  const memory: ArchiveMemory = new Map();
  const failures = new Map<string, string>();
  const accepted = new Set<string>();
  /** Failures that are tried again, when the folder is looked at regularly. */
  const passing = new Set<string>();
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>();
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  let closed = false;
  let unpacking: Promise<void> | undefined;

  const look = (settledBefore?: number): Scan => {
    const options = {
      memory,
      failures,
      accepted,
      ...(cache ? { cache } : {}),
      ...(settledBefore ? { settledBefore } : {}),
    };
    const found = scan(folder, options);
    forget(memory, found);
    return found;
  };

  const first = look();
  let shown = textOf(first);
  let current = catalogueOf(first);

  const refresh = (): void => {
    if (closed) return;
    due = Number.POSITIVE_INFINITY;
    if (!unpacking) {
      for (const key of passing) failures.delete(key);
      passing.clear();
    }
    try {
      take(look(Date.now() - SETTLE));
    } catch (error) {
      // The folder itself is gone or cannot be read: what was known stays until it can be.
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
    if (!unpacking && found.toUnpack.length > 0) unpacking = unpackAll(found).finally(() => (unpacking = undefined));
    else if (!unpacking) cache?.keepOnly(pathsOf(found));
    plan(found.unsettled ? SOON : watchers.size < found.folders.length ? WITHOUT_WATCHING : REGULARLY);
  };

  const unpackAll = async ({ toUnpack }: Scan): Promise<void> => {
    for (const file of toUnpack) {
      accepted.add(keyOf(file));
      try {
        await cache?.unpack(file);
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        failures.set(keyOf(file), error.message);
        if (error instanceof Passing) passing.add(keyOf(file));
      }
      // Each is served as soon as it is there.
      refresh();
    }
  };

  const plan = (delay: number): void => {
    if (closed || Date.now() + delay >= due) return;
    clearTimeout(timer);
    due = Date.now() + delay;
    timer = setTimeout(refresh, delay);
    timer.unref();
  };

  const follow = (folders: readonly string[]): void => {
    const wanted = new Set(folders);
    for (const [path, { watcher, inode }] of watchers) {
      // Another folder may have come to the place of the watched one.
      if (wanted.has(path) && inodeOf(path) === inode) continue;
      watcher.close();
      watchers.delete(path);
    }
    for (const path of folders) {
      if (watchers.has(path)) continue;
      try {
        const watcher = watch(path, { persistent: false }, () => plan(SOON));
        watcher.on("error", () => watcher.close());
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
    ready: Promise.resolve(unpacking).then(() => {}),
    close() {
      closed = true;
      clearTimeout(timer);
      for (const { watcher } of watchers.values()) watcher.close();
    },
  };
}

const inodeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0;

/** Tells one state of the folder from another. */
const textOf = ({ archives, skipped }: Scan): string =>
  JSON.stringify([archives.map(({ path, modified, named }) => [path, modified, named]), skipped]);

const pathsOf = ({ archives }: Scan): Set<string> =>
  new Set(archives.flatMap(({ blobs }) => [...blobs.values()].map(({ path }) => path)));

/** Drops what was remembered of files that are gone. */
function forget(memory: ArchiveMemory, { sources }: Scan): void {
  for (const path of memory.keys()) if (!sources.has(path)) memory.delete(path);
}
