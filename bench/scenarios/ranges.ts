import type { Fleet } from "../bench.ts";
import { layerOfSize, layerUrl, SIZES } from "../content/content.ts";
import { type Figure, OURS, type Target, WORKERS } from "../measure/figure.ts";
import { byteFigures, type Contestant, ofConnections, requestFigures, underLoad } from "../measure/under-load.ts";
import type { Scenario } from "./scenario.ts";

const MEBIBYTE = 1024 * 1024;

/** What a client asks for that goes on where it was cut off, and one that reads a file inside a layer. */
const RANGES = [
  { what: "the second half of 64 MiB", first: 32 * MEBIBYTE, last: 64 * MEBIBYTE - 1 },
  { what: "1 MiB in the middle of 64 MiB", first: 31 * MEBIBYTE + 1, last: 32 * MEBIBYTE },
  { what: "4 KiB in the middle of 64 MiB", first: 31 * MEBIBYTE + 1, last: 31 * MEBIBYTE + 4096 },
] as const;

const CONNECTIONS = 8;

/** Parts of a blob. Our server's are compared with the whole of a blob that is as long as the part. */
export const ranges: Scenario = {
  name: "ranges",
  title: "Ranges of a blob",
  quick: false,
  async measure({ load, effort, ...bench }) {
    const fleet = await bench.fleet();
    const figures: Figure[] = [];
    for (const { what, first, last } of RANGES) {
      const whole = wholeOf(fleet, last - first + 1);
      const contestants = { ...contestantsOf(fleet, `bytes=${first}-${last}`), ...whole };
      const results = await underLoad(load, contestants, CONNECTIONS, effort);
      const named = `${what}, ${ofConnections(CONNECTIONS)}`;
      const speed = whole[WHOLE] ? [TARGET] : [];
      const figuresOf = last - first < MEBIBYTE - 1 ? requestFigures : byteFigures;
      figures.push(...figuresOf(named, results, { speed }));
    }
    return figures;
  },
};

const WHOLE = "ociregistry, a whole blob of that size";
const TARGET: Target = { goal: "ranges: speed, to a whole blob of that size", to: WHOLE, is: "at least", limit: 0.95 };

function contestantsOf(fleet: Fleet, range: string): Record<string, Contestant> {
  const layer = layerOfSize(fleet.content, SIZES["64 MiB"] ?? 0);
  const contestants: Record<string, Contestant> = {};
  for (const [name, server] of Object.entries(fleet.servers).filter(([name]) => name !== WORKERS)) {
    const url = layerUrl(server.origin, layer);
    contestants[name] = { server, load: { url, headers: { Range: range }, status: 206 } };
  }
  return contestants;
}

/** Nothing when there is no blob of that size, or when it is so small that it is kept in memory. */
function wholeOf({ content, servers }: Fleet, size: number): Record<string, Contestant> {
  const server = servers[OURS];
  if (!server || size < MEBIBYTE || !Object.values(SIZES).includes(size)) return {};
  return { [WHOLE]: { server, load: { url: layerUrl(server.origin, layerOfSize(content, size)) } } };
}
