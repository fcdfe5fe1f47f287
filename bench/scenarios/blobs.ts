import type { Bench, Fleet } from "../bench.ts";
import { layerOfSize, layerUrl, SIZES } from "../content/content.ts";
import { BARE, type Figure, NO_NATIVE } from "../measure/figure.ts";
import {
  byteFigures,
  type Contestant,
  ofConnections,
  requestFigures,
  type Targets,
  underLoad,
} from "../measure/under-load.ts";
import type { Scenario } from "./scenario.ts";

/** How many connections, by size. */
const CONNECTIONS: Readonly<Record<string, readonly number[]>> = {
  "4 KiB": [8, 32, 256],
  "64 KiB": [8, 32],
  "1 MiB": [1, 8, 32],
  "64 MiB": [1, 8, 32],
  "1 GiB": [1, 8, 32],
};

const QUICK: typeof CONNECTIONS = { "64 KiB": [32], "1 MiB": [8], "64 MiB": [8] };

/** Below this, it is requests that count and not bytes. */
const LARGE = 1024 * 1024;

/** Whole blobs of many sizes. */
export const blobs: Scenario = {
  name: "blobs",
  title: "Blobs",
  quick: true,
  async measure(bench) {
    const fleet = await bench.fleet();
    const figures: Figure[] = [];
    for (const [size, counts] of Object.entries(bench.effort.quick ? QUICK : CONNECTIONS)) {
      figures.push(...(await measureSize(bench, fleet, size, counts)));
    }
    return figures;
  },
};

async function measureSize(bench: Bench, fleet: Fleet, name: string, counts: readonly number[]): Promise<Figure[]> {
  const { load, effort, ours } = bench;
  const size = SIZES[name] ?? 0;
  const layer = layerOfSize(fleet.content, size);
  const contestants: Record<string, Contestant> = {};
  for (const [contestant, server] of Object.entries(fleet.servers)) {
    contestants[contestant] = { server, load: { url: layerUrl(server.origin, layer) } };
  }
  const bare = await ours.bareBlob(layer.path);
  contestants[BARE] = { server: bare, load: { url: `${bare.origin}/` } };
  try {
    const figures: Figure[] = [];
    for (const connections of counts) {
      const what = `${name}, ${ofConnections(connections)}`;
      const results = await underLoad(load, contestants, connections, effort);
      if (size >= LARGE) figures.push(...byteFigures(what, results, LARGE_TARGETS));
      else figures.push(...requestFigures(what, results, connections > 32 ? {} : SMALL_TARGETS));
    }
    return figures;
  } finally {
    await bare.stop();
  }
}

const SMALL_TARGETS: Targets = {
  speed: [
    { goal: "blobs of 4 and 64 KiB: requests/s, to distribution", to: "distribution", is: "at least", limit: 25 },
    { goal: "blobs of 4 and 64 KiB: requests/s, to nginx", to: "nginx", is: "at least", limit: 0.6 },
  ],
};

const WITHOUT = { who: NO_NATIVE, to: "distribution" } as const;

const LARGE_TARGETS: Targets = {
  speed: [
    { goal: "blobs from 1 MiB: GB/s, to nginx", to: "nginx", is: "at least", limit: 0.85 },
    { goal: "blobs from 1 MiB: GB/s, to distribution", to: "distribution", is: "at least", limit: 2.5 },
    { goal: "blobs from 1 MiB, `--no-native`: GB/s, to distribution", ...WITHOUT, is: "at least", limit: 1.2 },
  ],
  cost: [
    { goal: "blobs from 1 MiB: CPU per GB, to nginx", to: "nginx", is: "at most", limit: 1.4 },
    { goal: "blobs from 1 MiB, `--no-native`: CPU per GB, to distribution", ...WITHOUT, is: "at most", limit: 0.8 },
  ],
};
