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

/**
 * The body of a request, each chunk as it came. A stream's own iterator joins chunks that wait into new memory, and ends
 * the connection when it is left early: here, who is refused still gets the answer, and the rest of what it sends is
 * thrown away. `receipt` counts what is taken.
 */
export function requestBody(request: IncomingMessage, receipt: Receipt): ByteStream {
  return { [Symbol.asyncIterator]: () => chunksOf(request, receipt) };
}

function chunksOf(request: IncomingMessage, receipt: Receipt): AsyncIterator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let taken = 0;
  let held = 0;
  let ofThisTurn = 0;
  let resting = false;
  let outcome: { readonly error?: Error } | undefined;
  let wake = (): void => {};

  const onData = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    held += chunk.length;
    ofThisTurn += chunk.length;
    if (ofThisTurn >= TURN) rest();
    else if (held >= AHEAD) request.pause();
    wake();
  };
  const rest = (): void => {
    ofThisTurn = 0;
    resting = true;
    request.pause();
    setImmediate(() => {
      resting = false;
      if (held < AHEAD) request.resume();
    });
  };
  const settle = (result: { readonly error?: Error }): void => {
    outcome ??= result;
    wake();
  };
  const take = (): Uint8Array | undefined => {
    const chunk = chunks[taken++];
    if (chunk) {
      held -= chunk.length;
      receipt.received += chunk.length;
      return chunk;
    }
    chunks = [];
    taken = 0;
    return undefined;
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
