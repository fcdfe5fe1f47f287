import type { Digest, HashAlgorithm } from "../../reference.ts";
import { discard, memoryOf } from "./discard.ts";
import type { DiskFile } from "./disk.ts";
import type { FileHasher, FollowedFile } from "./file-hasher.ts";
import { hashOfFile, type RunningHash, runningHash } from "./running-hash.ts";

/**
 * The hash of a file that is being received: made on the loop while the file is small, else by the thread that hashes. If
 * that cannot be had, and after a restart, it is made from the file when it is needed.
 */
export interface UploadHash {
  readonly algorithm: HashAlgorithm;
  /**
   * Hears of the bytes that were written, and of how many there are now. Takes the memory of what is transferable. Waits
   * when hashing falls behind.
   */
  wrote(chunks: readonly Uint8Array[], size: number, options: { readonly transferable: boolean }): Promise<void>;
  /** Of the first `size` bytes: all that were written. */
  digest(file: DiskFile, size: number): Promise<Digest>;
  /** Lets go of what it holds. */
  close(): void;
}

/** Up to this many bytes hashing takes less than a millisecond, and less than telling a thread. */
const SMALL = 1024 * 1024;

/** So much may be written and not hashed: it is still in the system's memory, and little is left to do at the end. */
const LAG = 64 * 1024 * 1024;

/** So much of one upload may be held in memory until it is hashed. */
const AHEAD = 4 * 1024 * 1024;
/** The same of all uploads together. What is more is read from the file. */
const ALL_AHEAD = 64 * 1024 * 1024;

/** What all uploads that are hashed by one thread have in common. */
export interface Hashing {
  readonly hasher: FileHasher;
  /** How many bytes are held in memory until they are hashed. */
  held: number;
}

/** `isNew`: the file is empty, so nothing of it has been missed. */
export function uploadHash(hashing: Hashing, path: string, algorithm: HashAlgorithm, isNew: boolean): UploadHash {
  const { hasher } = hashing;
  let small: RunningHash | undefined = isNew ? runningHash(algorithm) : undefined;
  let followed: FollowedFile | undefined;
  let written = 0;
  let hashed = 0;
  /** The bytes before `written`, as far as they are held for the thread. */
  let held: ArrayBuffer[] = [];
  /**
   * Whether the thread is about where the upload is. Until then nobody waits for it: reading what was there before may
   * take minutes, and a client that cannot send for so long is taken for one that is gone.
   */
  let caughtUp = false;
  let turn: Promise<boolean> | undefined;
  let following = false;
  let closed = false;

  const follow = async (file: FollowedFile): Promise<void> => {
    following = true;
    while (hashed < written && !closed) {
      // In steps, so that who waits for one does not wait for long.
      const size = Math.min(written, hashed + LAG);
      const last = size === written ? held : [];
      const inLast = bytesOf(last);
      if (size === written) held = [];
      turn = file.advance(size, last).then(
        () => true,
        () => false,
      );
      // What fails here shows at the end, where there is another way.
      const isHashed = await turn;
      hashing.held -= inLast;
      if (!isHashed) break;
      hashed = size;
      caughtUp ||= written - hashed <= LAG;
    }
    following = false;
  };
  const letGo = (...more: readonly ArrayBuffer[]): void => {
    hashing.held -= bytesOf(held);
    discard([...held, ...more]);
    held = [];
  };

  return {
    algorithm,
    async wrote(chunks, size, { transferable }) {
      const memory = (transferable && memoryOf(chunks)) || [];
      if (size <= SMALL) {
        small?.update(chunks);
        return discard(memory);
      }
      small = undefined;
      if (closed) return;
      followed ??= hasher.follow(path, algorithm);
      if (!followed.isBegun && !following) {
        hashed = 0;
        caughtUp = size <= LAG;
      }
      const bytes = bytesOf(memory);
      if (bytes > 0 && caughtUp && hashing.held + bytes <= ALL_AHEAD) {
        held.push(...memory);
        hashing.held += bytes;
      } else letGo(...memory);
      written = size;
      if (!following) void follow(followed);
      if (caughtUp && written - hashed > (held.length > 0 ? AHEAD : LAG)) await turn;
    },
    async digest(file, size) {
      if (small) return small.digest();
      if (size > SMALL) {
        followed ??= hasher.follow(path, algorithm);
        const digest = await followed.digest(size).catch(() => undefined);
        if (digest) return digest;
      }
      return (await hashOfFile(file, size, algorithm)).digest();
    },
    close() {
      closed = true;
      letGo();
      followed?.close();
    },
  };
}

const bytesOf = (memory: readonly ArrayBuffer[]): number => memory.reduce((sum, { byteLength }) => sum + byteLength, 0);
