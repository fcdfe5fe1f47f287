import { get } from "./get.ts";
import { type BenchImages, IMAGE_COUNT } from "./images.ts";
import { IDLE_MEMORY } from "./measure-memory.ts";
import type { Figure, Target } from "./report.ts";
import { compare, interleave } from "./rounds.ts";
import { type Memory, type ServerProcess, startBareManifest, startRegistry } from "./server-process.ts";

const TIME: Target = { of: "value", is: "at most", limit: 250 };

export interface Start {
  /** From the start of the process, in milliseconds. */
  readonly firstAnswer: number;
  readonly firstManifest: number;
  /** Until the first manifest, in milliseconds. */
  readonly cpu: number;
  /** After the first manifest. */
  readonly memory: Memory;
}

/** From the start of the process to its first answers, and the memory that it has then. */
export async function measureStart(
  { folder, repository, tag }: BenchImages,
  cache: string,
  rounds: number,
): Promise<Figure[]> {
  const { registry, bare } = await interleave(rounds, {
    bare: () => startOnce(() => startBareManifest({ headers: [], body: "{}" }), ["/", "/"]),
    registry: () => startOnce(() => startRegistry(folder, cache), ["/v2/", `/v2/${repository}/manifests/${tag}`]),
  });
  const figure = (what: string, unit: string, figureOf: (start: Start) => number): Figure => ({
    what: `${what}, ${IMAGE_COUNT} images`,
    unit,
    ...compare(registry, bare, figureOf),
  });
  return [
    { ...figure("start to first /v2/", "ms", ({ firstAnswer }) => firstAnswer), target: TIME },
    { ...figure("start to first manifest", "ms", ({ firstManifest }) => firstManifest), target: TIME },
    figure("start to first manifest", "CPU ms", ({ cpu }) => cpu),
    { ...figure("memory after start", "MiB PSS", ({ memory }) => memory.share), target: IDLE_MEMORY },
    figure("memory after start", "MiB RSS", ({ memory }) => memory.alone),
  ];
}

/** Starts a server, asks for two paths one after the other, and stops it. */
export async function startOnce(
  start: () => Promise<ServerProcess>,
  [first, second]: [string, string],
): Promise<Start> {
  const started = performance.now();
  const server = await start();
  try {
    await get(server.origin + first);
    const firstAnswer = performance.now() - started;
    await get(server.origin + second);
    const firstManifest = performance.now() - started;
    return { firstAnswer, firstManifest, cpu: server.cpuSeconds() * 1000, memory: server.memory() };
  } finally {
    await server.stop();
  }
}
