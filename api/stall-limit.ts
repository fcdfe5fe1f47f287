import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { unsentOf } from "./unsent.ts";

/** How long nothing may move before a connection is cut, in ms, unless something else is asked for. */
export const STALL_LIMIT = 120_000;

/** In how many parts that time is waited for. */
const LOOKS = 4;

interface Progress {
  /** What Node has read and written. */
  readonly bytes: number;
  /** What the kernel has still to send. */
  readonly unsent: number;
  /** How many times in a row it has been the same. */
  readonly still: number;
}

const NONE: Progress = { bytes: 0, unsent: 0, still: 0 };

const progress = new WeakMap<Socket, Progress>();

/**
 * From now on the connection of a response is cut when nothing has moved on it for `limit` ms, or a quarter longer; 0: never.
 *
 * Node begins anew whenever bytes come in or go to the kernel. That is not enough: the kernel holds up to 4 MiB for a client,
 * and takes more only when a third of them is gone, which takes minutes at 10 kB/s. So it is looked, too, whether fewer of
 * them are left.
 */
export function limitStall(response: ServerResponse, limit: number): void {
  response.setTimeout(partOf(limit));
  if (limit > 0 && response.listenerCount("timeout") === 0) {
    response.on("timeout", (socket: Socket) => void cutUnlessMoving(socket));
  }
}

/** A connection that has a limit has at most this one from now on (ms); those without one wait for us. */
export function hurry(socket: Socket, limit: number): void {
  if ((socket.timeout ?? 0) > partOf(limit)) socket.setTimeout(partOf(limit));
}

/** Bytes have gone that Node does not see. */
export function hasMoved(socket: Socket): void {
  if (!socket.timeout) return;
  progress.delete(socket);
  socket.setTimeout(socket.timeout);
}

const partOf = (limit: number): number => Math.ceil(limit / LOOKS);

async function cutUnlessMoving(socket: Socket): Promise<void> {
  const { timeout = 0 } = socket;
  const unsent = await unsentOf(socket, timeout / 2);
  // Meanwhile the answer may have come to its end.
  if (socket.timeout !== timeout) return;
  const bytes = socket.bytesRead + socket.bytesWritten;
  const before = progress.get(socket) ?? NONE;
  const still = before.bytes === bytes && before.unsent === unsent ? before.still + 1 : 1;
  if (still > LOOKS) socket.destroy();
  else if (!socket.destroyed) {
    progress.set(socket, { bytes, unsent, still });
    socket.setTimeout(timeout);
  }
}
