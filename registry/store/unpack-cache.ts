import { createHash, randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { Decompress } from "fzstd";
import { MAGIC_LENGTH, sniffCompression } from "../archive/compression.ts";
import { readHead, unreadable } from "../archive/files.ts";
import { isTar } from "../archive/tar.ts";
import { Passing, Unusable } from "../archive/unusable.ts";
import type { ByteStream } from "../registry.ts";

/** A file of the folder in the state in which it was seen. */
export interface SeenFile {
  /** Absolute, without links. */
  readonly path: string;
  readonly size: number;
  /** Changes when the file does. */
  readonly identity: string;
  /** Of a file in a folder that is read as a whole: names that folder in its state (`keyOf`). */
  readonly partOf?: string;
}

/**
 * Where tars lie that were compressed as a whole: they are unpacked once, because blobs are read at positions. What is
 * not compressed that way is served where it lies and never comes here.
 */
export interface UnpackCache {
  /** The unpacked tar; undefined when it has not been unpacked yet. */
  find(file: SeenFile): string | undefined;
  /** Unpacks a file. Throws Unusable when it is broken, is no tar, grows beyond all bounds, or there is no room. */
  unpack(file: SeenFile): Promise<void>;
  /** Removes what was unpacked and is not among these paths. */
  keepOnly(used: ReadonlySet<string>): void;
}

/** From here on a file that unpacks to more than RATIO times its size is taken for a bomb. */
const RATIO_FROM = 64 * 1024 * 1024;
const RATIO = 200;

const UNPACKED = ".tar";
/** Ends the names of files that are being written. */
export const PARTIAL = ".partial";
const ABANDONED = 60 * 60 * 1000;

/**
 * A cache in `folder`, of at most `limit` bytes. The folder is made when something is unpacked. `onUnusable` hears once why
 * nothing can be unpacked into it, which is no fault of any archive.
 */
export function unpackCache(
  folder: string,
  limit: number,
  { onUnusable }: { onUnusable?: (reason: string) => void } = {},
): UnpackCache {
  let told: string | undefined;
  const tell = ({ message }: CacheFailure): void => {
    if (message !== told) onUnusable?.(message);
    told = message;
  };
  const pathOf = ({ path, identity }: SeenFile): string =>
    join(folder, `${createHash("sha256").update(`${path}\0${identity}`).digest("hex")}${UNPACKED}`);

  return {
    find(file) {
      const path = pathOf(file);
      return isFile(path) ? path : undefined;
    },
    async unpack(file) {
      const target = pathOf(file);
      const partial = `${target}.${randomUUID()}${PARTIAL}`;
      try {
        const room = inCache(() => {
          mkdirSync(folder, { recursive: true, mode: 0o700 });
          return Math.min(limit - usedBy(folder), freeIn(folder));
        });
        await write(partial, onlyTar(decompressed(file, meter(file.size, room))));
        inCache(() => renameSync(partial, target));
        told = undefined;
      } catch (error) {
        remove(partial);
        if (error instanceof CacheFailure) tell(error);
        throw error instanceof Unusable ? error : unpackingFailed(error);
      }
    },
    keepOnly(used) {
      for (const path of filesIn(folder)) if (isOurs(path) && !used.has(path) && !isBeingWritten(path)) remove(path);
    },
  };
}

/** Why nothing can be unpacked, whatever the archive. The message is about the cache. */
class CacheFailure extends Error {}

function inCache<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cacheFailed(error);
  }
}

/** A full disk has room for smaller archives, so it is told of each. */
function cacheFailed(error: unknown): Error {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return new Passing("there is no room to unpack it", { cause: error });
  return new CacheFailure(CACHE_REASONS.get(code) ?? `it cannot be written to (${code})`, { cause: error });
}

const CACHE_REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "no permission to write to it"],
  ["EPERM", "no permission to write to it"],
  ["EROFS", "its file system is read-only"],
  ["ENOTDIR", "a file stands where a folder is expected"],
  ["EEXIST", "a file stands where a folder is expected"],
]);

function isFile(path: string): boolean {
  try {
    return statOf(path)?.isFile() === true;
  } catch {
    // A cache that cannot be read has nothing; unpacking into it says why.
    return false;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Then it could not be written either, and that is told.
  }
}

const filesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    // There is no such folder until something has been unpacked.
    return [];
  }
};

const usedBy = (folder: string): number => filesIn(folder).reduce((sum, path) => sum + (statOf(path)?.size ?? 0), 0);

/** Others keep what they know of the same folder beside it. */
const isOurs = (path: string): boolean => path.endsWith(UNPACKED) || path.endsWith(PARTIAL);

/** Another process may serve or list the same folder. What has not grown for so long was left by one that was killed. */
const isBeingWritten = (path: string): boolean =>
  path.endsWith(PARTIAL) && Date.now() - (statOf(path)?.mtimeMs ?? 0) < ABANDONED;

const statOf = (path: string) => statSync(path, { throwIfNoEntry: false });

function freeIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Counts what comes out, and throws Unusable when it is too much. */
type Meter = (bytes: number) => void;

function meter(compressedSize: number, room: number): Meter {
  let size = 0;
  return (bytes) => {
    size += bytes;
    if (size > room) throw new Passing("there is no room to unpack it; unpack it by hand, or make room in the cache");
    if (size > RATIO_FROM && size > compressedSize * RATIO) {
      throw new Unusable(`it unpacks to more than ${RATIO} times its size; unpack it by hand if it is meant to`);
    }
  };
}

function decompressed({ path, size }: SeenFile, count: Meter): ByteStream {
  const compression = sniffCompression(readHead({ path, offset: 0, size }, MAGIC_LENGTH, "it"));
  if (compression === "gzip") return counted(path, zlib.createGunzip({ chunkSize: LARGE }), count);
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  // Node has zstd from 22.15 on.
  return createZstdDecompress ? counted(path, createZstdDecompress(), count) : unzstd(path, count);
}

const LARGE = 256 * 1024;
/** The decoder in JavaScript works off what it is given in one go, and nobody is served meanwhile. */
const SMALL = 16 * 1024;

async function* counted(path: string, transform: Transform, count: Meter): ByteStream {
  const input = createReadStream(path, { highWaterMark: LARGE });
  input.on("error", (error) => transform.destroy(error));
  try {
    for await (const chunk of input.pipe(transform)) {
      count(chunk.length);
      yield chunk;
    }
  } finally {
    input.destroy();
  }
}

async function* unzstd(path: string, count: Meter): ByteStream {
  let ready: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => {
    count(chunk.length);
    ready.push(chunk);
  });
  for await (const chunk of createReadStream(path, { highWaterMark: SMALL })) {
    decompress.push(chunk);
    yield* ready;
    ready = [];
  }
  decompress.push(new Uint8Array(0), true);
  yield* ready;
}

/** Passes a tar on, and throws Unusable at once when it is none. */
async function* onlyTar(stream: ByteStream): ByteStream {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 512) continue;
    if (!isTar(head.subarray(0, 512))) break;
    yield head;
    head = undefined;
  }
  if (head) throw new Unusable("what is compressed in it is not a tar");
}

async function write(path: string, stream: ByteStream): Promise<void> {
  const failed = (error: unknown): never => {
    throw cacheFailed(error);
  };
  const file = await open(path, "wx", 0o600).catch(failed);
  try {
    for await (const chunk of stream) await file.writeFile(chunk).catch(failed);
    // Before it gets its name: after a power cut there must be no whole name with half a file.
    await file.sync().catch(failed);
  } finally {
    await file.close();
  }
}

function unpackingFailed(error: unknown): Unusable {
  if (error instanceof CacheFailure)
    return new Passing("it is compressed, and there is no cache that it can be unpacked into", { cause: error });
  if (error instanceof Error && "syscall" in error) return unreadable(error, "it");
  const { message } = error as Error;
  return new Unusable(`it cannot be unpacked: ${message}; compress it again`, { cause: error });
}
