import type { Digest, HashAlgorithm } from "../../reference.ts";
import type { DiskFile } from "./disk.ts";
import type { FileHasher, FollowedFile } from "./file-hasher.ts";
import { hashOfFile, type RunningHash, runningHash } from "./running-hash.ts";

/**
 * The hash of a file that is being received: made on the loop while the file is small, else by the thread that hashes. If
 * that cannot be had, and after a restart, it is made from the file when it is needed.
 */
export interface UploadHash {
  readonly algorithm: HashAlgorithm;
  /** Hears of the bytes that were written, and of how many there are now. Waits when hashing is far behind. */
  wrote(chunks: readonly Uint8Array[], size: number): Promise<void>;
  /** Of the first `size` bytes: all that were written. */
  digest(file: DiskFile, size: number): Promise<Digest>;
  /** Lets go of what it holds. */
  close(): void;
}

/** Up to this many bytes hashing takes less than a millisecond, and less than telling a thread. */
const SMALL = 1024 * 1024;

/** So much may be written and not hashed: it is still in the system's memory, and little is left to do at the end. */
const LAG = 64 * 1024 * 1024;

/** `isNew`: the file is empty, so nothing of it has been missed. */
export function uploadHash(hasher: FileHasher, path: string, algorithm: HashAlgorithm, isNew: boolean): UploadHash {
  let small: RunningHash | undefined = isNew ? runningHash(algorithm) : undefined;
  let followed: FollowedFile | undefined;
  let written = 0;
  let hashed = 0;
  let following: Promise<void> | undefined;
  let closed = false;

  const follow = async (file: FollowedFile): Promise<void> => {
    while (hashed < written && !closed) {
      const size = written;
      // What fails here shows at the end, where there is another way.
      await file.advance(size).catch(() => {});
      hashed = size;
    }
    following = undefined;
  };

  return {
    algorithm,
    async wrote(chunks, size) {
      if (size <= SMALL) {
        small?.update(chunks);
        return;
      }
      small = undefined;
      if (closed) return;
      if (!followed) {
        followed = hasher.follow(path, algorithm);
        // What was there before a restart is hashed meanwhile, and nobody waits for it before the end.
        if (!isNew) hashed = size - chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      }
      written = size;
      following ??= follow(followed);
      if (written - hashed > LAG) await following;
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
      followed?.close();
    },
  };
}
