import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import { Unusable } from "./unusable.ts";

/** Bytes that lie in a file. */
export interface FileRange {
  /** Absolute, without links. */
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Links are resolved before, so none may be left; a FIFO must not block the opening. */
export const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The real path of something in the folder. Throws Unusable when it does not exist or a link leads out of `root`. */
export function resolveInside(root: string, path: string, shown: string): string {
  const real = realpathOf(path, shown);
  if (real !== root && !real.startsWith(root + sep))
    throw new Unusable(`${shown} is a link that leads out of the folder`);
  return real;
}

/** The path of a member that an export names. Throws Unusable when the name leads out of the export. */
export function memberPath(folder: string, member: string): string {
  const path = normalize(member);
  const inside = !path.startsWith("..") && !path.startsWith(sep) && !path.includes("\0") && path !== ".";
  if (!inside) throw new Unusable(`manifest.json names ${JSON.stringify(member)}, which is not in its folder`);
  return join(folder, path);
}

/** The first bytes of a file and its size. Throws Unusable when it cannot be read or is no ordinary file. */
export function readHead(path: string, length: number, shown: string): { head: Buffer; size: number } {
  return withFile(path, shown, (fd, size) => {
    const head = Buffer.alloc(Math.min(length, size));
    return { head: head.subarray(0, readSync(fd, head, 0, head.length, 0)), size };
  });
}

/** A whole small file. Throws Unusable also when it has more than `limit` bytes. */
export function readSmall(path: string, limit: number, shown: string): Buffer {
  return withFile(path, shown, (fd, size) => {
    if (size > limit) throw new Unusable(`${shown} is larger than ${limit} bytes`);
    const bytes = Buffer.alloc(size);
    let done = 0;
    for (let count = -1; count !== 0 && done < size; done += count)
      count = readSync(fd, bytes, done, size - done, done);
    return bytes.subarray(0, done);
  });
}

function withFile<T>(path: string, shown: string, use: (fd: number, size: number) => T): T {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FLAGS);
  } catch (error) {
    throw unreadable(error, shown);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Unusable(`${shown} is not an ordinary file`);
    return use(fd, stats.size);
  } finally {
    closeSync(fd);
  }
}

function realpathOf(path: string, shown: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw unreadable(error, shown);
  }
}

/** What an error of the file system means for the person who owns the files. */
export function unreadable(error: unknown, shown: string): Unusable {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return new Unusable(`${shown} ${REASONS.get(code) ?? `cannot be read (${code})`}`, { cause: error });
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "is missing"],
  ["EACCES", "cannot be read: no permission"],
  ["EPERM", "cannot be read: no permission"],
  ["ELOOP", "is a link that leads nowhere"],
  ["ENOTDIR", "is missing: a file stands where a folder is expected"],
  ["EISDIR", "is a folder where a file is expected"],
  ["ENAMETOOLONG", "has a name that is too long"],
]);
