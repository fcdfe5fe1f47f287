import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { get } from "../clients/get.ts";
import { craneArchive, dockerArchive, fakeImage, fakeLayer } from "../content/archives.ts";
import { writeTar } from "../content/write-tar.ts";
import { BARE, type Figure, figure, OURS, type Target } from "../measure/figure.ts";
import { interleave, type Results } from "../measure/rounds.ts";
import type { Memory } from "../servers/process-tree.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

/** How many images, and what the first answer may take in ms: when each archive has to be read, and when none has. */
const COUNTS = [
  { count: 10, cold: undefined, warm: 200 },
  { count: 1000, cold: undefined, warm: undefined },
  { count: 10_000, cold: 3000, warm: 1000 },
];

const LAYERS = 6;
const LAYER_SIZE = 256;

const IDLE: Target = {
  goal: "idle after the start with 10 images (MiB PSS)",
  is: "at most",
  limit: 80,
};

interface Start {
  /** From the start of the process, in ms. */
  readonly firstAnswer: number;
  readonly firstManifest: number;
  /** Until the first manifest, in ms. */
  readonly cpu: number;
  /** After the first manifest. */
  readonly memory: Memory;
}

/** From the start of the process to its first answers, and the memory that it has then. */
export const start: Scenario = {
  name: "start",
  title: "Start with few and many archives (others on an empty folder)",
  quick: true,
  async measure(bench) {
    const counts = COUNTS.filter(({ count }) => !bench.effort.quick || count === 10);
    const figures: Figure[] = [];
    for (const each of counts) figures.push(...(await measureCount(bench, each)));
    return figures;
  },
};

async function measureCount(bench: Bench, { count, cold, warm }: (typeof COUNTS)[number]): Promise<Figure[]> {
  const { folder, ours, peers, effort } = bench;
  const images = mkdtempSync(join(folder, "start-"));
  const kept = mkdtempSync(join(folder, "start-kept-"));
  const fresh = join(folder, "start-fresh");
  writeArchives(images, count);
  await fill(bench, images, kept);
  const asked = ["/v2/", `/v2/${nameOf(Math.floor(count / 2))}/manifests/1.0`] as const;
  const contestants: Record<string, () => Promise<Start>> = {
    [COLD]: () =>
      startOnce(() => ours.serveArchives(images, fresh), asked).finally(() =>
        rmSync(fresh, { recursive: true, force: true }),
      ),
    [OURS]: () => startOnce(() => ours.serveArchives(images, kept), asked),
  };
  if (count === 10) {
    contestants[BARE] = () =>
      startOnce(() => ours.bareManifest({ status: 200, headers: [], body: "{}" }), ["/v2/", "/v2/"]);
    for (const peer of peers.found) {
      contestants[peer.name] = () =>
        startOnce(() => peer.start(mkdtempSync(join(folder, "start-empty-"))), ["/v2/", "/v2/"]);
    }
  }
  const results = await interleave(effort.rounds, contestants);
  for (const path of [images, kept]) rmSync(path, { recursive: true });
  return figuresOf(count, results, [...limitOf(count, cold, COLD), ...limitOf(count, warm, OURS)]);
}

const COLD = "ociregistry, nothing read before";

function limitOf(count: number, limit: number | undefined, who: string): Target[] {
  if (limit === undefined) return [];
  const how = who === COLD ? ", nothing read before" : "";
  return [{ goal: `start with ${say(count)} images${how}: first answer (ms)`, who, is: "at most", limit }];
}

function figuresOf(count: number, results: Results<Start>, time: readonly Target[]): Figure[] {
  const what = `${say(count)} images`;
  return [
    figure(`${what}, to the first /v2/`, "ms", results, ({ firstAnswer }) => firstAnswer, time),
    figure(`${what}, to the first manifest`, "ms", results, ({ firstManifest }) => firstManifest),
    figure(`${what}, to the first manifest`, "CPU ms", results, ({ cpu }) => cpu),
    figure(what, "MiB PSS", results, ({ memory }) => memory.pss, count === 10 ? [IDLE] : []),
    figure(what, "MiB RSS", results, ({ memory }) => memory.rss),
  ];
}

const say = (count: number): string => count.toLocaleString("en");

const FOLDERS = 100;
const nameOf = (index: number): string => `team-${index % FOLDERS}/app-${index}`;

/** Half of them docker archives and half OCI layouts, a few kB each. */
function writeArchives(folder: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const name = nameOf(index);
    mkdirSync(join(folder, name, ".."), { recursive: true });
    const layers = Array.from({ length: LAYERS }, () => fakeLayer(LAYER_SIZE));
    const image = fakeImage(`${name}:1.0`, layers);
    writeTar(join(folder, `${name}.tar`), index % 2 === 0 ? craneArchive(image) : dockerArchive(image));
  }
}

/** Lets a server read everything once and keep it. */
async function fill({ ours }: Bench, images: string, cache: string): Promise<void> {
  // What was written to just now is read and not kept.
  await wait(1000);
  const server = await ours.serveArchives(images, cache);
  const isFull = (): boolean => readdirSync(cache, { recursive: true, encoding: "utf8" }).some(isKept);
  while (!isFull()) await wait(50);
  await server.stop();
}

const isKept = (path: string): boolean => path.endsWith("/scan");

/** Starts a server, asks for two paths one after the other, and stops it. */
async function startOnce(start: () => Promise<ServerProcess>, paths: readonly [string, string]): Promise<Start> {
  const started = performance.now();
  const server = await start();
  try {
    await get(server.origin + paths[0]);
    const firstAnswer = performance.now() - started;
    await get(server.origin + paths[1]);
    const firstManifest = performance.now() - started;
    return { firstAnswer, firstManifest, cpu: server.cpuSeconds() * 1000, memory: server.memory() };
  } finally {
    await server.stop();
  }
}
