import { closeSync, fsync as fsyncCallback, open as openCallback } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, utimes } from "node:fs/promises";
import { promisify } from "node:util";

/** For what is closed where it is opened: a descriptor costs half of what a handle does. */
const openDescriptor = promisify(openCallback);
const fsync = promisify(fsyncCallback);

/**
 * The few things that the store asks of a file system. One place, so that tests can stand between the store and its disk:
 * fail any call, forget what was not synced, or stop the world between two calls. What throws, throws as Node does.
 */
export interface Disk {
  /** All bytes of a small file; undefined when there is none. What is there and is no file has none, as a torn one. */
  read(path: string): Promise<Buffer | undefined>;
  /** The names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Undefined when there is nothing. */
  stat(path: string): Promise<FileState | undefined>;
  /** Makes a file that must not exist. */
  create(path: string): Promise<DiskFile>;
  /** Opens a file for writing at positions; undefined when there is none. */
  open(path: string): Promise<DiskFile | undefined>;
  /** Makes an empty file, or marks the one that is there as changed now. */
  touch(path: string): Promise<void>;
  /** Moves a file, over another if there is one. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; false when there was none. */
  remove(path: string): Promise<boolean>;
  /** Makes one folder in one that exists; false when it was there. */
  makeFolder(path: string): Promise<boolean>;
  /** Removes an empty folder; false when it is not empty or not there. */
  removeFolder(path: string): Promise<boolean>;
  /** Returns when what was made, moved and removed in a folder survives a loss of power. */
  syncFolder(path: string): Promise<void>;
}

export interface FileState {
  readonly size: number;
  /** When it was last written to, in ms since 1970. */
  readonly modified: number;
}

export interface DiskFile {
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Reads up to as many bytes as `target` has; fewer at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Returns when the bytes survive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The disk of this machine. To close a folder, or a file that nothing was written to, is only to forget a number: it does
 * not wait for the disk, and costs a tenth of what asking another thread for it does.
 */
export const nodeDisk: Disk = {
  read: (path) => readFile(path).catch(unlessFolder).catch(unlessMissing(undefined)),
  list: (folder) => readdir(folder).catch(unlessMissing([])),
  stat: (path) => stat(path).then(({ size, mtimeMs }) => ({ size, modified: mtimeMs }), unlessMissing(undefined)),
  create: async (path) => diskFile(await open(path, "wx+", FILE_MODE)),
  open: (path) => open(path, "r+").then(diskFile, unlessMissing(undefined)),
  async touch(path) {
    try {
      closeSync(await openDescriptor(path, "wx", FILE_MODE));
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      const now = new Date();
      await utimes(path, now, now);
    }
  },
  rename,
  remove: (path) => rm(path).then(() => true, unlessMissing(false)),
  makeFolder: (path) =>
    mkdir(path, { mode: FOLDER_MODE }).then(
      () => true,
      (error) => {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      },
    ),
  removeFolder: (path) =>
    rmdir(path).then(
      () => true,
      (error) => {
        if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(error))) return false;
        throw error;
      },
    ),
  async syncFolder(path) {
    const descriptor = await openDescriptor(path, "r");
    try {
      await fsync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
};

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** The code of an error of the operating system; empty for others. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? "";

/** Whether there was no room for something. */
export const isFull = (error: unknown): boolean => ["ENOSPC", "EDQUOT", "EFBIG"].includes(codeOf(error));

function unlessFolder(error: unknown): Buffer {
  if (codeOf(error) === "EISDIR") return Buffer.alloc(0);
  throw error;
}

function unlessMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === "ENOENT") return value;
    throw error;
  };
}

const diskFile = (handle: FileHandle): DiskFile => ({
  async write(chunks, position) {
    let at = position;
    let left = chunks;
    while (left.length > 0) {
      const { bytesWritten } = await handle.writev(left, at);
      at += bytesWritten;
      left = after(left, bytesWritten);
    }
  },
  read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
  truncate: (size) => handle.truncate(size),
  sync: () => handle.datasync(),
  close: () => handle.close(),
});

/** What is left to write: the system may take less than it was given. */
function after(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  const left: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (skip < chunk.length) left.push(skip === 0 ? chunk : chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return left;
}
