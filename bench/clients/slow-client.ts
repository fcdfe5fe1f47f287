import { connect, type Socket } from "node:net";

/** What slow readers print when they are told to stop (SIGTERM), as JSON. */
export interface SlowResult {
  readonly bytes: number;
}

const BYTES_PER_SECOND = 100_000;
const STEPS_PER_SECOND = 10;

/**
 * Many connections that each ask for one URL and read 100 kB of it in a second.
 *
 * Usage: slow-client.js URL CONNECTIONS
 */
function main([url = "", connections = "1"]: readonly string[]): void {
  const { hostname, port, pathname } = new URL(url);
  const sockets = Array.from({ length: Number(connections) }, (): Socket => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    // Read below and not as it comes.
    socket.on("readable", () => {});
    return socket;
  });
  let bytes = 0;
  setInterval(() => {
    for (const socket of sockets) {
      const piece = socket.read(BYTES_PER_SECOND / STEPS_PER_SECOND) as Buffer | null;
      bytes += piece?.length ?? 0;
    }
  }, 1000 / STEPS_PER_SECOND);
  process.once("SIGTERM", () => {
    const result: SlowResult = { bytes };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
  });
}

main(process.argv.slice(2));
