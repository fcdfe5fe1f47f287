import { MANIFEST } from "../content/manifest.ts";
import { type Latency, latencyOf } from "../measure/latency.ts";
import { percentileOf } from "../measure/statistics.ts";
import { openConnection } from "./connection.ts";

/** What a latency client prints when it is told to stop (SIGTERM), as JSON. */
export interface LatencyResult extends Latency {
  /** In ms. */
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
  const result: LatencyResult = { ...latencyOf(times), max: percentileOf(times, 100) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Between two requests, in ms. */
const PAUSE = 2;

await main(process.argv.slice(2));
