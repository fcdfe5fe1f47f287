import { openConnection } from "./connection.ts";

/** What a latency client prints when it is told to stop (SIGTERM), as JSON. */
export interface LatencyResult {
  readonly requests: number;
  /** In ms: of 100 requests, one takes longer. */
  readonly p99: number;
}

/** Asks for the same small answer at a steady pace, which takes next to nothing of the machine, and notes how long it takes. */
async function main([url = ""]: readonly string[]): Promise<void> {
  const { origin, pathname } = new URL(url);
  const connection = await openConnection(origin);
  const request = [Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: registry\r\nAccept: ${ACCEPT}\r\n\r\n`)];
  const times: number[] = [];
  let going = true;
  process.once("SIGTERM", () => {
    going = false;
  });
  while (going) {
    const started = performance.now();
    const { status } = await connection.ask(request);
    if (status !== 200) throw new Error(`The server answered ${status}`);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  connection.end();
  times.sort((a, b) => a - b);
  const result: LatencyResult = { requests: times.length, p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Between two requests, in ms. */
const PAUSE = 2;
/** Another registry says that it has no such manifest when its type is not named. */
const ACCEPT = "application/vnd.oci.image.manifest.v1+json";

await main(process.argv.slice(2));
