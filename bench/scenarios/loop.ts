import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "../bench.ts";
import { latencyDuring, push } from "../clients/clients.ts";
import type { LatencyResult } from "../clients/latency-client.ts";
import { layerOfSize, layerUrl, pulledRepository, SIZES, TAG } from "../content/content.ts";
import { looksAtEventLoop, percentInTime } from "../measure/event-loop.ts";
import { type Figure, figure, NO_NATIVE, OURS } from "../measure/figure.ts";
import { latencyFigures } from "../measure/latency.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import { onEmpty } from "../servers/on-empty.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const run = promisify(execFile);

const UPLOADS = 8;
const DOWNLOADS = 32;
const SIZE = SIZES["1 GiB"] ?? 0;
/** Each writes 8 GiB. */
const ROUNDS = 1;

/** More is too late, in seconds. */
const LATE = 0.02;

/** How long others waited, and of the looks of the server at its own event loop, how many percent were in time. */
interface BusyResult extends LatencyResult {
  readonly inTime: number;
}

type Start = (folder: string) => Promise<ServerProcess>;

/** Small requests while a server is as busy with large ones as it can be. */
export const loop: Scenario = {
  name: "loop",
  title: `Manifests asked for by an outside client while ${UPLOADS} uploads and ${DOWNLOADS} downloads of 1 GiB run`,
  quick: false,
  async measure(bench) {
    const { ours, peers } = bench;
    const variants = Object.entries(ours.variants).filter(([name]) => name === OURS || name === NO_NATIVE);
    const mine: Record<string, Start> = Object.fromEntries(
      variants.map(([name, flags]) => [name, (folder: string) => ours.serveData(folder, ...flags)]),
    );
    const { [NO_NATIVE]: _, ...plain } = mine;
    const others = peers.found.filter(({ name }) => name === "distribution").map(({ name, start }) => [name, start]);
    return [
      ...(await measureBusy(bench, { ...mine, ...Object.fromEntries(others) }, "in the page cache", () => undefined)),
      ...(await measureBusy(bench, plain, "not in the page cache", forget)),
    ];
  },
};

async function measureBusy(
  bench: Bench,
  starts: Readonly<Record<string, Start>>,
  where: string,
  prepare: (folder: string) => Promise<void> | undefined,
): Promise<Figure[]> {
  const results = await interleave(
    ROUNDS,
    mapValues(starts, (start) => () => {
      let place = "";
      const startHere = (folder: string): Promise<ServerProcess> => {
        place = folder;
        return start(folder);
      };
      return onEmpty(bench.folder, startHere, (server) => whileBusy(bench, server, () => prepare(place)));
    }),
  );
  const what = `downloads from a file ${where}`;
  const own = Object.fromEntries(Object.entries(results).filter(([name]) => name.startsWith(OURS)));
  return [
    figure(what, `% of looks at the event loop at most ${LATE * 1000} ms late`, own, ({ inTime }) => inTime, [
      { goal: `event loop during 8 uploads and 32 downloads ${where}: % within 20 ms`, is: "at least", limit: 99 },
    ]),
    ...latencyFigures(what, results, [
      { goal: `manifests during 8 uploads and 32 downloads ${where}: p99 (ms)`, is: "at most", limit: 20 },
    ]),
    figure(what, "ms (most)", results, ({ max }) => max),
  ];
}

async function whileBusy(
  bench: Bench,
  server: ServerProcess,
  prepare: () => Promise<void> | undefined,
): Promise<BusyResult> {
  const { contentFile, content } = bench.content();
  await push("content", server.origin, contentFile);
  const url = layerUrl(server.origin, layerOfSize(content, SIZE));
  const before = await looksAtEventLoop(server.origin, LATE);
  const latency = await latencyDuring(`${server.origin}/v2/${pulledRepository(0)}/manifests/${TAG}`, async () => {
    let isDone = false;
    const uploads = push("blobs", server.origin, "put", SIZE, UPLOADS).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await prepare();
      await bench.load({ url, connections: DOWNLOADS, seconds: 1 });
    }
    await uploads;
  });
  return { ...latency, inTime: percentInTime(before, await looksAtEventLoop(server.origin, LATE)) };
}

/** Lets the kernel forget the large files in a folder, so that they have to be read from the disk. */
async function forget(folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, entry);
    const status = statSync(path, { throwIfNoEntry: false });
    if (status?.isFile() && status.size >= SIZE) await run("dd", [`if=${path}`, "iflag=nocache", "count=0"]);
  }
}
