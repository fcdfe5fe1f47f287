import type { IncomingMessage } from "node:http";
import type { ByteStream } from "../registry/registry.ts";

/** So many bytes may have arrived and not been taken before the client is made to wait. */
const AHEAD = 1024 * 1024;

/** After so many bytes of one body it is the turn of whoever else asks: some tenths of a millisecond. */
const TURN = 512 * 1024;

/** Counts bytes that were received. */
export interface Receipt {
  received: number;
}

/** A body may come in chunks of one byte, each of which takes hundreds; below this size they are joined. */
const SMALL = 4 * 1024;
/** So many small ones are joined while they wait. */
const MANY = 256;
/** What is taken together: as much as a usual chunk has. */
const JOINED = 64 * 1024;

/**
 * The body of a request, each chunk as it came, unless it is small. A stream's own iterator joins all chunks that wait into
 * new memory, and ends the connection when it is left early: here, who is refused still gets the answer, and the rest of
 * what it sends is thrown away. `receipt` counts what is taken.
 */
export function requestBody(request: IncomingMessage, receipt: Receipt): ByteStream {
  return { [Symbol.asyncIterator]: () => chunksOf(request, receipt) };
}

function chunksOf(request: IncomingMessage, receipt: Receipt): AsyncIterator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let taken = 0;
  let bytes = 0;
  let ofThisTurn = 0;
  let resting = false;
  /** How many of the last ones are small. */
  let small = 0;
  let outcome: { readonly error?: Error } | undefined;
  let wake = (): void => {};
  /** Small chunks wait for the others of their packet; those before this place have. */
  let due = 0;
  let isScheduled = false;

  const onData = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    bytes += chunk.length;
    small = chunk.length < SMALL ? Math.min(small + 1, chunks.length - taken) : 0;
    if (small === MANY) {
      chunks.push(joined(chunks.splice(-MANY)));
      small = 0;
    }
    ofThisTurn += chunk.length;
    if (ofThisTurn >= TURN) rest();
    else if (bytes >= AHEAD) request.pause();
    if (bytes >= SMALL) wake();
    if (chunk.length >= SMALL || isScheduled) return;
    isScheduled = true;
    setImmediate(onDue);
  };
  const onDue = (): void => {
    isScheduled = false;
    due = chunks.length;
    wake();
  };
  const rest = (): void => {
    ofThisTurn = 0;
    resting = true;
    request.pause();
    setImmediate(() => {
      resting = false;
      if (bytes < AHEAD) request.resume();
    });
  };
  const settle = (result: { readonly error?: Error }): void => {
    outcome ??= result;
    wake();
  };
  const take = (): Uint8Array | undefined => {
    if (taken === chunks.length) {
      chunks = [];
      taken = 0;
      due = 0;
      return undefined;
    }
    if (bytes < SMALL && taken >= due && !outcome) return undefined;
    const next = chunks.slice(taken, taken + joinable(chunks, taken));
    taken += next.length;
    const [first] = next;
    const chunk = first && next.length === 1 ? first : joined(next);
    bytes -= chunk.length;
    receipt.received += chunk.length;
    return chunk;
  };

  request
    .on("data", onData)
    .once("end", () => settle({}))
    .once("error", (error) => settle({ error }))
    .once("close", () => settle({ error: new Error("The client went before the end") }));
  // It may be over already; then none of this is heard.
  if (request.readableEnded) settle({});
  else if (request.destroyed) settle({ error: request.errored ?? new Error("The client went before the end") });

  return {
    async next() {
      for (;;) {
        const value = take();
        if (value) return { done: false, value };
        if (outcome?.error) throw outcome.error;
        if (outcome) return { done: true, value: undefined };
        const arrived = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (!resting) request.resume();
        await arrived;
      }
    },
    async return() {
      request.off("data", onData);
      chunks = [];
      request.resume();
      return { done: true, value: undefined };
    },
  };
}

/** How many chunks from `start` on are taken together: one, or a small one and what fits behind it. */
function joinable(chunks: readonly Uint8Array[], start: number): number {
  let bytes = chunks[start]?.length ?? 0;
  if (bytes >= SMALL) return 1;
  let end = start + 1;
  for (; end < chunks.length; end++) {
    bytes += chunks[end]?.length ?? 0;
    if (bytes > JOINED) break;
  }
  return end - start;
}

/** In memory of their own, which can be given back. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = Buffer.allocUnsafeSlow(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
