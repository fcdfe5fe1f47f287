import { read as readCallback } from "node:fs";
import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import type { FileBody } from "../registry/registry.ts";

const read = promisify(readCallback);

const SMALL = 64 * 1024;
const LARGE = 512 * 1024;
/** All transfers together hold about this many bytes; with many of them, each takes smaller pieces. */
const BUDGET = 64 * 1024 * 1024;
/** A piece that the client took longer for shows a slow client: it gets one small buffer at a time. */
const SLOW_MILLISECONDS = 20;

let transfers = 0;
const idle = new Map<number, Buffer[]>([
  [SMALL, []],
  [LARGE, []],
]);

/**
 * Sends a verified part of a file by large positioned reads. A fast client has the next piece read while the kernel takes
 * the last one; a slow client holds 64 KiB. The response is ended only when every byte was sent; when the file became
 * shorter or another, or the client went, this throws and the connection must be destroyed.
 */
export async function sendFile(body: FileBody, response: ServerResponse): Promise<void> {
  transfers++;
  try {
    await copy(body, response);
  } finally {
    transfers--;
  }
}

async function copy(body: FileBody, response: ServerResponse): Promise<void> {
  const unlessGone = watch(response);
  let size = SMALL;
  let writing: Promise<number> = Promise.resolve(0);
  for (let done = 0; done < body.length; ) {
    const buffer = take(size);
    let sending = false;
    try {
      const wanted = Math.min(size, body.length - done);
      const { bytesRead } = await read(body.fd, buffer, 0, wanted, body.offset + done);
      if (bytesRead === 0) throw new Error("The file became shorter while it was sent");
      done += bytesRead;
      if (done === body.length && !(await body.unchanged())) throw new Error("The file changed while it was sent");
      const took = await unlessGone(writing);
      sending = true;
      writing = write(response, buffer.subarray(0, bytesRead), () => give(buffer));
      const slow = took > SLOW_MILLISECONDS;
      size = slow || transfers * 2 * LARGE > BUDGET ? SMALL : LARGE;
      if (slow) await unlessGone(writing);
    } finally {
      if (!sending) give(buffer);
    }
  }
  await unlessGone(writing);
  response.end();
}

/** Resolves with the milliseconds that the client took; `release` is called when the bytes are not needed any more. */
function write(response: ServerResponse, chunk: Uint8Array, release: () => void): Promise<number> {
  const started = performance.now();
  const written = new Promise<number>((resolve, reject) => {
    response.write(chunk, (error) => {
      release();
      if (error) reject(error);
      else resolve(performance.now() - started);
    });
  });
  // The client may go while nobody waits for this piece; whoever waits for the next one hears of it.
  written.catch(() => {});
  return written;
}

/**
 * Waits for promises, one after the other, until the client goes: then the wait fails. Not `Promise.race`, which keeps
 * a record of each wait until the response ends.
 */
function watch(response: ServerResponse): <T>(promise: Promise<T>) => Promise<T> {
  let gone: Error | undefined;
  let fail: ((error: Error) => void) | undefined;
  response.once("close", () => {
    gone = new Error("The client went before the end");
    fail?.(gone);
  });
  return (promise) =>
    new Promise((resolve, reject) => {
      fail = reject;
      if (gone) reject(gone);
      else promise.then(resolve, reject);
    });
}

const take = (size: number): Buffer => idle.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);

/** Keeps a few buffers for the next transfer; the rest is garbage. */
function give(buffer: Buffer): void {
  const free = idle.get(buffer.length);
  if (free && free.length < 16) free.push(buffer);
}
