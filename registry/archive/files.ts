import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { type Digest, digestFrom } from "../reference.ts";
import { Passing, Unusable } from "./unusable.ts";

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

/** The first bytes of a range. Throws Unusable when they cannot be read. */
export function readHead(file: FileRange, length: number, shown: string): Buffer {
  return withFile(file.path, shown, (fd) => readFully(fd, file.offset, Math.min(length, file.size), shown));
}

/** A whole small range. Throws Unusable also when it has more than `limit` bytes. */
export function readSmall(file: FileRange, limit: number, shown: string): Buffer {
  if (file.size > limit) throw new Unusable(`${shown} is larger than ${limit} bytes`);
  return readHead(file, file.size, shown);
}

/** The sha256 of a range, read in one go. For what no name says the digest of. */
export function hashRange(file: FileRange, shown: string): Digest {
  return withFile(file.path, shown, (fd) => {
    const hash = createHash("sha256");
    const step = 1024 * 1024;
    for (let done = 0; done < file.size; done += step) {
      hash.update(readFully(fd, file.offset + done, Math.min(step, file.size - done), shown));
    }
    return digestFrom("sha256", hash.digest("hex"));
  });
}

/** The file that is held open; reading is synchronous, so there is one at a time. */
let held: { readonly path: string; readonly fd: number; readonly size: number } | undefined;

/**
 * Keeps a file open while `use` reads it piece by piece: opening costs more than reading a header. All pieces are of one
 * file, also when another takes its name meanwhile. Throws Unusable as `withFile` does.
 */
export function holdOpen<T>(path: string, shown: string, use: () => T): T {
  const outer = held;
  return withFile(path, shown, (fd, size) => {
    held = { path, fd, size };
    try {
      return use();
    } finally {
      held = outer;
    }
  });
}

/** Opens an ordinary file for a moment. Throws Unusable when it cannot be read or is something else. */
export function withFile<T>(path: string, shown: string, use: (fd: number, size: number) => T): T {
  if (held?.path === path) return use(held.fd, held.size);
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

const HEAD = 512;

function readFully(fd: number, offset: number, length: number, shown: string): Buffer {
  // Heads are many and soon forgotten, so they share memory; what is longer may be kept, and would keep its neighbours.
  const bytes = length <= HEAD ? Buffer.allocUnsafe(length) : Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) throw new Unusable(`${shown} is shorter than it says`);
    done += count;
  }
  return bytes;
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
  if (EXHAUSTED.has(code)) return new Passing(`${shown} cannot be read now: too many files are open`, { cause: error });
  return new Unusable(`${shown} ${REASONS.get(code) ?? `cannot be read (${code})`}`, { cause: error });
}

const EXHAUSTED: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"]);

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "is missing"],
  ["EACCES", "cannot be read: no permission"],
  ["EPERM", "cannot be read: no permission"],
  ["ELOOP", "is a link that leads nowhere"],
  ["ENOTDIR", "is missing: a file stands where a folder is expected"],
  ["EISDIR", "is a folder where a file is expected"],
  ["ENAMETOOLONG", "has a name that is too long"],
]);
