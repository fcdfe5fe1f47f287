import { createHash, type Hash } from "node:crypto";
import { type Digest, digestFrom, type HashAlgorithm } from "../../reference.ts";
import type { DiskFile } from "./disk.ts";

/** A hash that is made while bytes come in. */
export interface RunningHash {
  readonly algorithm: HashAlgorithm;
  update(chunks: readonly Uint8Array[]): void;
  /** Of all bytes so far; more may follow. */
  digest(): Digest;
}

export function runningHash(algorithm: HashAlgorithm): RunningHash {
  const hash: Hash = createHash(algorithm);
  return {
    algorithm,
    update(chunks) {
      for (const chunk of chunks) hash.update(chunk);
    },
    digest: () => digestFrom(algorithm, hash.copy().digest("hex")),
  };
}

const PIECE = 1024 * 1024;

/** The hash of the first `size` bytes of a file: the state of a running hash cannot be stored. */
export async function hashOfFile(file: DiskFile, size: number, algorithm: HashAlgorithm): Promise<RunningHash> {
  const hash = runningHash(algorithm);
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, size));
  for (let done = 0; done < size; ) {
    const read = await file.read(buffer.subarray(0, Math.min(buffer.length, size - done)), done);
    if (read === 0) throw new Error(`The file of an upload has ${done} bytes and not ${size}`);
    hash.update([buffer.subarray(0, read)]);
    done += read;
  }
  return hash;
}
