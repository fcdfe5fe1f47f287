import { connect } from "node:net";

/** What a sink prints when it is done, as JSON. */
export interface SinkResult {
  /** Bytes of all answers, heads among them. */
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Fetches one URL again and again over keep-alive connections and throws the bytes away: less than half the CPU per GB
 * of wrk, which reads 8 KiB at a time. No answer is cut off, and each must be a 200 of the length that it announces.
 *
 * Usage: sink.js URL CONNECTIONS SECONDS (0: each connection fetches once)
 */
function main([url = "", connections = "1", seconds = "0"]: readonly string[]): void {
  const { hostname, port, pathname } = new URL(url);
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  let open = Number(connections);
  let bytes = 0;
  const drain = (): void => {
    let left = 0;
    let done = false;
    const callback = (length: number, piece: Uint8Array): boolean => {
      bytes += length;
      if (left === 0) left = lengthOf(piece.subarray(0, length));
      left -= length;
      if (left < 0) throw new Error("More bytes came than were announced");
      if (left > 0) return true;
      done = elapsed() >= Number(seconds);
      if (done) socket.end();
      else socket.write(request);
      return true;
    };
    // All connections read into the same memory: nobody looks at it again.
    const socket = connect({ host: hostname, port: Number(port), onread: { buffer: BUFFER, callback } });
    socket.on("close", () => {
      if (!done) throw new Error("The connection was closed before the end of an answer");
      open--;
      if (open === 0) print({ bytes, seconds: elapsed() });
    });
    socket.write(request);
  };
  for (let index = 0; index < Number(connections); index++) drain();
}

const BUFFER = Buffer.allocUnsafeSlow(1024 * 1024);

/** Bytes of an answer, its head among them. The head is expected in one piece. */
function lengthOf(piece: Uint8Array): number {
  const text = Buffer.from(piece.buffer, piece.byteOffset, Math.min(piece.length, 4096)).toString("latin1");
  const [head] = text.split("\r\n\r\n", 1);
  const [, length] = /^content-length: *(\d+)/im.exec(head ?? "") ?? [];
  if (!head?.startsWith("HTTP/1.1 200 ") || length === undefined) throw new Error(`Not the answer: ${head}`);
  return head.length + 4 + Number(length);
}

const print = (result: SinkResult): boolean => process.stdout.write(`${JSON.stringify(result)}\n`);

main(process.argv.slice(2));
