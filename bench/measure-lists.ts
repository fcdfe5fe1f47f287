import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DISTRIBUTION, findDistribution, startDistribution } from "./distribution.ts";
import { get } from "./get.ts";
import { fillDataFolder, fillDistribution, TAGGED } from "./pushed-folders.ts";
import type { Figure, Target } from "./report.ts";
import { type Effort, interleave, spreadOf } from "./rounds.ts";
import { type ServerProcess, startDataRegistry } from "./server-process.ts";

const COUNT = 10_000;
const MANY = 100_000;
/** A list takes milliseconds, and the first ones are of code that is not compiled yet. */
const LIST_ROUNDS = 20;

/** The ratio is of times, so less is better. */
const LISTS: Target = { of: "ratio", is: "at most", limit: 0.2 };
const START: Target = { of: "value", is: "at most", limit: 2000 };

/** Long lists, and starting on very many repositories. */
export async function measureLists(folder: string, { rounds }: Effort): Promise<Figure[]> {
  await findDistribution();
  const ours = join(folder, "lists");
  const theirs = join(folder, "lists-distribution");
  await fillDataFolder(ours, COUNT, COUNT);
  fillDistribution(theirs, COUNT, COUNT);
  const registry = await startDataRegistry(ours);
  const distribution = await startDistribution(theirs);
  const figures: Figure[] = [];
  try {
    for (const [what, path] of [
      ["tags/list of 10,000 tags", `/v2/${TAGGED}/tags/list?n=${COUNT}`],
      ["_catalog of 10,000 repositories", `/v2/_catalog?n=${COUNT}`],
    ] as const) {
      const times = await interleave(Math.max(rounds, LIST_ROUNDS), {
        distribution: () => timeOf(distribution, path),
        registry: () => timeOf(registry, path),
      });
      // The first of a process is shown by itself: a registry may remember.
      const [first = Number.NaN] = times.registry;
      const ratios = times.registry.map((time, round) => time / (times.distribution[round] ?? Number.NaN));
      figures.push(
        {
          what: `${what} (${DISTRIBUTION})`,
          unit: "ms",
          registry: spreadOf(times.registry),
          bare: spreadOf(times.distribution),
          ratio: spreadOf(ratios),
          target: LISTS,
        },
        { what: `${what}, the first time`, unit: "ms", registry: spreadOf([first]) },
      );
    }
  } finally {
    await registry.stop();
    await distribution.stop();
  }
  return [...figures, ...(await measureStartOfMany(folder, rounds))];
}

async function timeOf({ origin }: ServerProcess, path: string): Promise<number> {
  const started = performance.now();
  await get(origin + path);
  return performance.now() - started;
}

async function measureStartOfMany(parent: string, rounds: number): Promise<Figure[]> {
  const folder = join(parent, "many");
  mkdirSync(folder);
  await fillDataFolder(folder, MANY, 0);
  const times: number[] = [];
  const memories: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    const server = await startDataRegistry(folder);
    await get(`${server.origin}/v2/`);
    times.push(performance.now() - started);
    memories.push(server.memory().share);
    await server.stop();
  }
  const what = "start to first /v2/, 100,000 repositories";
  return [
    { what, unit: "ms", registry: spreadOf(times), target: START },
    { what: "memory after it", unit: "MiB PSS", registry: spreadOf(memories) },
  ];
}
