import { read as readCallback, readSync } from "node:fs";
import { promisify } from "node:util";
import type { FileBody } from "../registry/registry.ts";
import type { Buffers } from "./buffers.ts";
import type { Client } from "./client.ts";
import type { Sendfile } from "./sendfile.ts";

const read = promisify(readCallback);

const SMALL = 64 * 1024;
/** A piece that the client took longer for shows a slow client: it gets one small buffer at a time. */
const SLOW_MILLISECONDS = 20;

/** What all transfers of a server share. */
export interface Shared {
  readonly buffers: Buffers;
  readonly sendfile: Sendfile | undefined;
}

/**
 * Sends the rest of a file, from `done` bytes on, by large positioned reads. A fast client has the next piece read while
 * the kernel takes the last one; a slow one holds 64 KiB. `large` is how much a piece may be now.
 */
export async function readLoop(
  body: FileBody,
  client: Client,
  { large, done: sent, ...shared }: Shared & { readonly large: () => number; readonly done: number },
): Promise<void> {
  let size = SMALL;
  let writing: Promise<number> = Promise.resolve(0);
  for (let done = sent; done < body.length; ) {
    const buffer = shared.buffers.take(size);
    let sending = false;
    try {
      const bytesRead = await readPiece(body, done, buffer, shared);
      done += bytesRead;
      const took = await client.unlessGone(writing);
      sending = true;
      writing = client.write(buffer.subarray(0, bytesRead), () => shared.buffers.give(buffer));
      const slow = took > SLOW_MILLISECONDS;
      size = slow ? SMALL : large();
      if (slow) await client.unlessGone(writing);
    } finally {
      if (!sending) shared.buffers.give(buffer);
    }
  }
  await client.unlessGone(writing);
}

/**
 * Fills the buffer from `done` bytes on. Throws when the file became shorter, and instead of giving the last bytes of one
 * that changed: what was sent is then no whole.
 */
export async function readPiece(
  body: FileBody,
  done: number,
  buffer: Buffer,
  { sendfile }: Pick<Shared, "sendfile">,
): Promise<number> {
  const { fd, offset } = body;
  const wanted = Math.min(buffer.length, body.length - done);
  // What waits for no disk needs no thread, which would cost more than the reading.
  const bytesRead = sendfile?.isInMemory(fd, offset + done, wanted)
    ? readSync(fd, buffer, 0, wanted, offset + done)
    : (await read(fd, buffer, 0, wanted, offset + done)).bytesRead;
  if (bytesRead === 0) throw shorter();
  if (done + bytesRead === body.length && !(await body.unchanged())) throw changed();
  return bytesRead;
}

export const shorter = (): Error => new Error("The file became shorter while it was sent");
const changed = (): Error => new Error("The file changed while it was sent");
