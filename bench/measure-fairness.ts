import { setTimeout as wait } from "node:timers/promises";
import { latencyDuring, push } from "./clients.ts";
import { DISTRIBUTION, findDistribution, startDistribution } from "./distribution.ts";
import { onEmpty } from "./on-empty.ts";
import type { Figure, Target } from "./report.ts";
import { type Effort, interleave, spreadOf } from "./rounds.ts";
import { type ServerProcess, startDataRegistry } from "./server-process.ts";

const SIZE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

/** How many times as long, beside a server that does nothing else. */
const SLOWDOWN: Target = { of: "value", is: "at most", limit: 5 };
const PEAK: Target = { of: "value", is: "at most", limit: 250 };

/** What others notice of a large upload, and what eight of them take of the memory. */
export async function measureFairness(folder: string, { rounds, seconds }: Effort): Promise<Figure[]> {
  await findDistribution();
  const slowdown = async (server: ServerProcess): Promise<{ idle: number; busy: number }> => {
    await push("images", server.origin, 1, 1);
    await push("blobs", server.origin, "put", 64 * MEBIBYTE, 1);
    const url = `${server.origin}/v2/bench/image-0/manifests/latest`;
    const idle = await latencyDuring(url, () => wait(seconds * 1000));
    const busy = await latencyDuring(url, () => push("blobs", server.origin, "put", SIZE, 1));
    return { idle: idle.p99, busy: busy.p99 };
  };
  const peak = async (server: ServerProcess): Promise<number> => {
    await push("blobs", server.origin, "put", SIZE, 8);
    return server.peakMemory();
  };
  const latency = await interleave(rounds, {
    distribution: () => onEmpty(folder, startDistribution, slowdown),
    registry: () => onEmpty(folder, startDataRegistry, slowdown),
  });
  // Eight times as much as in other rounds, and hardly different from round to round.
  const memory = await interleave(Math.min(rounds, 2), {
    distribution: () => onEmpty(folder, startDistribution, peak),
    registry: () => onEmpty(folder, startDataRegistry, peak),
  });
  const both = <T>(results: { registry: T[]; distribution: T[] }, figureOf: (result: T) => number) => ({
    registry: spreadOf(results.registry.map(figureOf)),
    bare: spreadOf(results.distribution.map(figureOf)),
  });
  return [
    { what: `manifest, idle (${DISTRIBUTION})`, unit: "ms (p99)", ...both(latency, ({ idle }) => idle) },
    {
      what: `manifest, during a PUT of 1 GiB (${DISTRIBUTION})`,
      unit: "ms (p99)",
      ...both(latency, ({ busy }) => busy),
    },
    {
      what: `the same, to idle (${DISTRIBUTION})`,
      unit: "times",
      ...both(latency, ({ idle, busy }) => busy / idle),
      target: SLOWDOWN,
    },
    {
      what: `peak memory, eight PUTs of 1 GiB (${DISTRIBUTION})`,
      unit: "MiB RSS",
      ...both(memory, (value) => value),
      target: PEAK,
    },
  ];
}
