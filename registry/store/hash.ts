import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileRange } from "../archive/files.ts";
import { type Digest, digestFrom } from "../reference.ts";

/** Small enough that others are served between two pieces, in bytes. */
const PIECE = 1024 * 1024;

/** The digest of bytes in a file, and how many there are: fewer when the file ends before. Throws what reading throws. */
export async function hashOf(
  { path, offset, size }: FileRange,
  algorithm: string,
): Promise<{ digest: Digest; read: number }> {
  const hash = createHash(algorithm);
  let read = 0;
  if (size > 0) {
    const options = { start: offset, end: offset + size - 1, highWaterMark: PIECE };
    for await (const chunk of createReadStream(path, options)) {
      hash.update(chunk);
      read += chunk.length;
    }
  }
  return { digest: digestFrom(algorithm, hash.digest("hex")), read };
}
