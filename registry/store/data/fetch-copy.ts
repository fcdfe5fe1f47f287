import { closeBody, streamOf } from "../../content.ts";
import type { Digest } from "../../reference.ts";
import { hashAlgorithmOf } from "../../reference.ts";
import type { Body } from "../../registry.ts";
import type { Disk } from "./disk.ts";
import { runningHash } from "./running-hash.ts";

/**
 * Writes bytes from elsewhere to a new file, synced when they are the right ones. Returns false, and leaves no file, when
 * they are not.
 */
export async function fetchCopy(disk: Disk, path: string, copy: Body, digest: Digest, size: number): Promise<boolean> {
  try {
    return await writeCopy(disk, path, copy, digest, size);
  } finally {
    await closeBody(copy);
  }
}

async function writeCopy(disk: Disk, path: string, copy: Body, digest: Digest, size: number): Promise<boolean> {
  const hash = runningHash(hashAlgorithmOf(digest));
  const file = await disk.create(path);
  let written = 0;
  let isRight = false;
  try {
    for await (const chunk of streamOf(copy)) {
      if (written + chunk.length > size) break;
      hash.update([chunk]);
      await file.write([chunk], written);
      written += chunk.length;
    }
    isRight = written === size && hash.digest() === digest;
    if (isRight) await file.sync();
  } finally {
    await file.close();
    if (!isRight) await disk.remove(path);
  }
  return isRight;
}
