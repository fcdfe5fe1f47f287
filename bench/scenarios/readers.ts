import { setTimeout as wait } from "node:timers/promises";
import type { Bench, Fleet } from "../bench.ts";
import { startSlowReaders } from "../clients/clients.ts";
import { layerOfSize, layerUrl, SIZES } from "../content/content.ts";
import { figure, NO_NATIVE, OURS, type Target, WORKERS } from "../measure/figure.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const READERS = 256;
/** Long enough for every buffer to be full. */
const MILLISECONDS = 3000;
/** What one round leaves behind would be there before the next. */
const ROUNDS = 1;

const limitOf = (who: string, limit: number): Target => {
  const how = who === OURS ? "" : ", `--no-native`";
  return { goal: `256 slow readers${how}: memory each (MiB PSS above idle)`, who, is: "at most", limit };
};

/** Many clients on thin lines that want a large blob: what one of them costs. */
export const readers: Scenario = {
  name: "readers",
  title: "256 slow readers of 1 GiB (100 kB/s each)",
  quick: false,
  async measure(bench) {
    const fleet = await bench.fleet();
    const { [WORKERS]: _, ...servers } = fleet.servers;
    const results = await interleave(
      ROUNDS,
      mapValues(servers, (server) => () => memoryOfReaders(bench, server, fleet)),
    );
    return [
      figure("each, above what the server had before", "MiB PSS", results, ({ each }) => each, [
        limitOf(OURS, 0.1),
        limitOf(NO_NATIVE, 0.6),
      ]),
      figure("the server", "MiB PSS", results, ({ total }) => total),
    ];
  },
};

async function memoryOfReaders(
  { load }: Bench,
  server: ServerProcess,
  { content }: Fleet,
): Promise<{ each: number; total: number }> {
  const url = layerUrl(server.origin, layerOfSize(content, SIZES["1 GiB"] ?? 0));
  // The first blob takes memory that is no reader's: for code, and for what is kept.
  await load({ url, connections: 1, seconds: 0 });
  await wait(MILLISECONDS);
  const before = server.memory().pss;
  const stop = startSlowReaders(url, READERS);
  await wait(MILLISECONDS);
  const total = server.memory().pss;
  await stop();
  return { each: (total - before) / READERS, total };
}
