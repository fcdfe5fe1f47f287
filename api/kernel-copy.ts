import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileBody } from "../registry/registry.ts";
import type { Buffers } from "./buffers.ts";
import type { Client } from "./client.ts";
import { descriptorOf } from "./descriptor-of.ts";
import { readPiece, shorter } from "./read-loop.ts";
import type { Sendfile } from "./sendfile.ts";
import { hasMoved } from "./stall-limit.ts";

/** What is left to the read loop: its last bytes show that the file is still the one that was sent. */
const REST = 16 * 1024;

/** Below this, one ordinary write is cheaper. */
const WORTH_IT = 64 * 1024;

/** How often in a row the kernel may refuse although there is room, before the file system is taken for one without. */
const PATIENCE = 3;

/** Calls that wait for the disk at one time; the package koffi has room for 256. */
const THREADS = 64;

let inThreads = 0;

/**
 * Sends most of a file through the kernel, and returns how many bytes; the rest is for the read loop. No byte of it passes
 * through the memory of this process, except for a small piece whenever the socket is full: Node says when it has been
 * taken, and then there is room again. `turn` is how much may go before others get theirs.
 *
 * What the kernel has taken are still the pages of the file, not copies: who writes over a file in place after its last
 * check, while its bytes wait for a slow client, changes those too, and only the client's own check of the digest finds
 * it. Every server that uses sendfile has this; `--no-native` has it not.
 */
export async function kernelCopy(
  body: FileBody,
  client: Client,
  response: ServerResponse,
  { buffers, sendfile, turn }: { buffers: Buffers; sendfile: Sendfile; turn: () => number },
): Promise<number> {
  const { socket } = response;
  if (!socket || !isPlain(socket) || response.chunkedEncoding || body.length < WORTH_IT) return 0;
  // Node has to send the head before the kernel sends anything.
  response.flushHeaders();
  const end = body.length - REST;
  let refused = 0;
  let done = 0;
  while (done < end && refused < PATIENCE) {
    client.assertThere();
    const wanted = Math.min(turn(), end - done);
    // What Node has still to send would be overtaken.
    const hasRoom = response.writableLength === 0;
    const sent = hasRoom ? await copy(sendfile, socket, body, body.offset + done, wanted) : -1;
    if (sent === 0) throw shorter();
    if (sent > 0) {
      done += sent;
      client.meter.sent += sent;
      hasMoved(socket);
    }
    refused = sent > 0 || !hasRoom ? 0 : refused + 1;
    if (sent === wanted) {
      if (done < end) await nextTurn();
      continue;
    }
    if (done < end) done += await writePiece(body, done, client, { buffers, sendfile });
  }
  return done;
}

/** Errors are not told apart: what is wrong with the client or the file shows in the ordinary piece that comes next. */
async function copy(
  sendfile: Sendfile,
  socket: Socket,
  { fd }: FileBody,
  offset: number,
  length: number,
): Promise<number> {
  const target = descriptorOf(socket);
  if (target < 0) return -1;
  if (sendfile.isInMemory(fd, offset, length)) return sendfile.send(target, fd, offset, length);
  if (inThreads >= THREADS) return -1;
  // The client may go meanwhile, and the number of its descriptor be given to another one, who would get these bytes.
  const own = sendfile.duplicate(target);
  if (own < 0) return -1;
  inThreads++;
  try {
    return await sendfile.sendInThread(own, fd, offset, length);
  } finally {
    inThreads--;
    sendfile.close(own);
  }
}

async function writePiece(
  body: FileBody,
  done: number,
  client: Client,
  shared: { buffers: Buffers; sendfile: Sendfile },
): Promise<number> {
  const { buffers } = shared;
  const buffer = buffers.take(REST);
  let sending = false;
  try {
    const bytesRead = await readPiece(body, done, buffer, shared);
    sending = true;
    await client.unlessGone(client.write(buffer.subarray(0, bytesRead), () => buffers.give(buffer)));
    return bytesRead;
  } finally {
    if (!sending) buffers.give(buffer);
  }
}

/** Under TLS the kernel does not know what to send. */
const isPlain = (socket: Socket): boolean => !("encrypted" in socket) && descriptorOf(socket) >= 0;
