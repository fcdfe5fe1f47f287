import type { Bench, Fleet } from "../bench.ts";
import { layerOfSize, layerUrl, SIZES } from "../content/content.ts";
import { BARE, type Figure, NO_NATIVE } from "../measure/figure.ts";
import { mapValues } from "../measure/rounds.ts";
import {
  byteFigures,
  type Contestant,
  ofConnections,
  requestFigures,
  type Targets,
  underLoad,
} from "../measure/under-load.ts";
import type { Scenario } from "./scenario.ts";

const CONNECTIONS = [1, 8, 32, 256];

/** How many connections in a quick run, by size. */
const QUICK: Readonly<Record<string, readonly number[]>> = { "64 KiB": [32], "1 MiB": [8], "64 MiB": [8] };

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
    const all = mapValues(SIZES, () => CONNECTIONS);
    for (const [size, counts] of Object.entries(bench.effort.quick ? QUICK : all)) {
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
      const [figuresOf, targets] = size < LARGE ? [requestFigures, SMALL_TARGETS] : [byteFigures, LARGE_TARGETS];
      figures.push(...figuresOf(what, results, targets.connections.includes(connections) ? targets : {}));
    }
    return figures;
  } finally {
    await bare.stop();
  }
}

/** For some numbers of connections. */
type TargetsFor = Targets & { readonly connections: readonly number[] };

const SMALL_TARGETS: TargetsFor = {
  connections: [8, 32],
  speed: [
    { goal: "blobs of 4 and 64 KiB: requests/s, to distribution", to: "distribution", is: "at least", limit: 25 },
    { goal: "blobs of 4 and 64 KiB: requests/s, to nginx", to: "nginx", is: "at least", limit: 0.6 },
  ],
};

const WITHOUT = { who: NO_NATIVE, to: "distribution" } as const;

const LARGE_TARGETS: TargetsFor = {
  connections: [1, 8, 32],
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
