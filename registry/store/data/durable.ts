import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { codeOf, type Disk } from "./disk.ts";

/**
 * Writing so that nothing is half there and nothing that was said to be there goes away with the power: a file is written
 * beside, synced, and moved to its name; then the folders are synced. What a step left that was not the last is garbage
 * in `tmp`, or complete.
 */
export interface Durable {
  /** A path of its own for something that is being written. */
  temporaryPath(): string;
  /** Writes a small file whole. Durable after `settle`. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Moves a file whose bytes have been synced to its name. Durable after `settle`. */
  place(temporary: string, path: string): Promise<void>;
  /** Makes an empty file, whose name says everything. Durable after `settle`. */
  mark(path: string): Promise<void>;
  /** Removes a file; false when there was none. Durable after `settle`. */
  erase(path: string): Promise<boolean>;
  /** Removes a folder that is empty; false when it is not. */
  eraseFolder(path: string): Promise<boolean>;
  /** Returns when what was placed, marked and erased at these paths survives a loss of power. */
  settle(...paths: readonly string[]): Promise<void>;
  /** The same for all that is in a folder, whoever put it there; it need not exist. */
  settleFolder(folder: string): Promise<void>;
}

/** So many folders are known to be there, about 10 MB. */
const FOLDER_LIMIT = 50_000;

/** `sync: false` is for measuring and for throwaway data: a loss of power may then take what was acknowledged. */
export function durable(disk: Disk, temporaryFolder: string, { sync }: { sync: boolean }): Durable {
  const root = dirname(temporaryFolder);
  /** Folders that are known to be there for good, and those that are being made. */
  const folders = new Map<string, Promise<void>>([[root, Promise.resolve()]]);
  const syncFolder = sync ? coalesced(disk.syncFolder) : async () => {};

  const ensureFolder = (path: string): Promise<void> => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    // What is forgotten is looked at again.
    if (folders.size >= FOLDER_LIMIT) for (const old of folders.keys()) if (old !== root) folders.delete(old);
    const making = makeFolder(path);
    folders.set(path, making);
    making.catch(() => folders.delete(path));
    return making;
  };
  /** Also of a folder that is there it is not known whether whoever made it lived to sync it. */
  const makeFolder = async (path: string): Promise<void> => {
    await ensureFolder(dirname(path));
    await disk.makeFolder(path);
    await syncFolder(dirname(path));
  };
  /** Does something in a folder. One that somebody removed is made again. */
  const inFolder = async <T>(folder: string, action: () => Promise<T>): Promise<T> => {
    await ensureFolder(folder);
    try {
      return await action();
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      for (const known of folders.keys()) if (known !== root) folders.delete(known);
      await ensureFolder(folder);
      return action();
    }
  };
  const temporaryPath = (): string => join(temporaryFolder, randomUUID());

  return {
    temporaryPath,
    async write(path, bytes) {
      const temporary = temporaryPath();
      try {
        const file = await inFolder(temporaryFolder, () => disk.create(temporary));
        try {
          await file.write([bytes], 0);
          if (sync) await file.sync();
        } finally {
          await file.close();
        }
        await this.place(temporary, path);
      } catch (error) {
        await disk.remove(temporary).catch(() => {});
        throw error;
      }
    },
    place: (temporary, path) => inFolder(dirname(path), () => disk.rename(temporary, path)),
    mark: (path) => inFolder(dirname(path), () => disk.touch(path)),
    erase: (path) => disk.remove(path),
    async eraseFolder(path) {
      folders.delete(path);
      return disk.removeFolder(path);
    },
    async settle(...paths) {
      await Promise.all([...new Set(paths.map((path) => dirname(path)))].map(syncFolder));
    },
    async settleFolder(folder) {
      await syncFolder(folder).catch((error) => {
        if (codeOf(error) !== "ENOENT") throw error;
      });
    },
  };
}

/** Several who wait for the same folder share one sync, but only one that begins after all of them had written. */
export function coalesced(sync: (folder: string) => Promise<void>): (folder: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();
  const start = (folder: string): Promise<void> => {
    const run = sync(folder).finally(() => {
      if (running.get(folder) === run) running.delete(folder);
    });
    running.set(folder, run);
    return run;
  };
  return (folder) => {
    const current = running.get(folder);
    if (current === undefined) return start(folder);
    const waiting = next.get(folder);
    if (waiting !== undefined) return waiting;
    const following = current
      .catch(() => {})
      .then(() => {
        next.delete(folder);
        return start(folder);
      });
    next.set(folder, following);
    return following;
  };
}
