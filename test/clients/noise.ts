import { createCipheriv, createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const PIECE = Buffer.alloc(1024 * 1024);

/**
 * Writes a file that no client can make smaller, as fast as a disk takes it: zeros, enciphered. A `seed` gives the same
 * bytes each time. Returns their digest.
 */
export async function writeNoise(path: string, megabytes: number, seed = 0): Promise<string> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  const hash = createHash("sha256");
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let count = 0; count < megabytes; count++) {
      const piece = cipher.update(PIECE);
      hash.update(piece);
      yield piece;
    }
  }
  await pipeline(Readable.from(pieces()), createWriteStream(path));
  return `sha256:${hash.digest("hex")}`;
}
