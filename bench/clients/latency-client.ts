import { MANIFEST } from "../content/manifest.ts";
import { percentileOf } from "../measure/statistics.ts";
import { openConnection } from "./connection.ts";

/** What a latency client prints when it is told to stop (SIGTERM), as JSON. */
export interface LatencyResult {
  readonly requests: number;
  /** In ms: of 100 requests, so many take longer: 50, 1, one of 1,000, none. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Asks for the same small answer at a steady pace, which takes next to nothing of the machine, and notes how long it takes. */
async function main([url = ""]: readonly string[]): Promise<void> {
  const { origin, pathname } = new URL(url);
  const connection = await openConnection(origin);
  // Another registry says that it has no such manifest when its type is not named.
  const request = [Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: registry\r\nAccept: ${MANIFEST}\r\n\r\n`)];
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
  const at = (percent: number): number => percentileOf(times, percent);
  const result: LatencyResult = { requests: times.length, p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Between two requests, in ms. */
const PAUSE = 2;

await main(process.argv.slice(2));
