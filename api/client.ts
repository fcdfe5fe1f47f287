import type { ServerResponse } from "node:http";

/** Counts bytes that were sent. */
export interface Meter {
  sent: number;
}

/** Who gets a response, as long as it is there. */
export interface Client {
  /** Counts what went to the client; `write` does so itself. */
  readonly meter: Meter;
  /** Resolves with the milliseconds until the kernel had the bytes; `release` is called when they are not needed any more. */
  write(chunk: Uint8Array, release: () => void): Promise<number>;
  /** Waits for one promise after the other, until the client goes: then the wait fails. */
  unlessGone<T>(promise: Promise<T>): Promise<T>;
  /** Throws when the client is gone. */
  assertThere(): void;
}

/** Not with `Promise.race`, which keeps a record of each wait until the response ends. */
export function clientOf(response: ServerResponse, meter: Meter): Client {
  let gone: Error | undefined;
  let fail: ((error: Error) => void) | undefined;
  /** What is lent to writes that have not called back: a connection that is closing forgets some of them. */
  const lent = new Set<() => void>();
  response.once("close", () => {
    gone = new Error("The client went before the end");
    for (const release of lent) release();
    lent.clear();
    fail?.(gone);
  });
  return {
    meter,
    write(chunk, release) {
      const started = performance.now();
      const written = new Promise<number>((resolve, reject) => {
        lent.add(release);
        response.write(chunk, (error) => {
          if (lent.delete(release)) release();
          if (error) {
            reject(error);
            return;
          }
          meter.sent += chunk.length;
          resolve(performance.now() - started);
        });
      });
      // The client may go while nobody waits for this piece; whoever waits for the next one hears of it.
      written.catch(() => {});
      return written;
    },
    unlessGone: (promise) =>
      new Promise((resolve, reject) => {
        fail = reject;
        if (gone) reject(gone);
        else promise.then(resolve, reject);
      }),
    assertThere() {
      if (gone || response.destroyed) throw gone ?? new Error("The client went before the end");
    },
  };
}
