import { connect, type Socket } from "node:net";
import type { Cleanup } from "./cleanup.ts";

/** A request without a body, as it goes over the wire. */
export const requestLine = (method: string, path: string, ...headers: string[]): string =>
  `${[`${method} ${path} HTTP/1.1`, "Host: a", ...headers].join("\r\n")}\r\n\r\n`;

/** A connection to a server of this machine that is closed when the test is over; what happens to it is no error. */
export function connection(cleanup: Cleanup, port: number): Socket {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  cleanup.after(() => socket.destroy());
  return socket;
}

/** Sends requests over one connection, `ahead` of them before the answers come, and counts the answers by status. */
export async function askMany(
  cleanup: Cleanup,
  port: number,
  requests: Iterable<string>,
  { ahead = 8 } = {},
): Promise<Map<number, number>> {
  const socket = connection(cleanup, port).setEncoding("latin1");
  const statuses = new Map<number, number>();
  const waiting = requests[Symbol.iterator]();
  const send = (): boolean => {
    const next = waiting.next();
    if (!next.done) socket.write(next.value);
    return !next.done;
  };
  let unanswered = 0;
  while (unanswered < ahead && send()) unanswered++;
  let tail = "";
  for await (const text of socket as AsyncIterable<string>) {
    const all = tail + text;
    let end = 0;
    for (const { 1: status, index } of all.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
      statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + 1);
      end = index + "HTTP/1.1 200".length;
      if (!send()) unanswered--;
    }
    if (unanswered === 0) break;
    tail = all.slice(Math.max(end, all.length - "HTTP/1.1 20".length));
  }
  return statuses;
}
