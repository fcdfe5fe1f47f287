import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { craneArchive, dockerArchive, fakeImage, fakeLayer } from "./archives.ts";
import { type Start, startOnce } from "./measure-start.ts";
import type { Figure, Target } from "./report.ts";
import { interleave, spreadOf } from "./rounds.ts";
import { startRegistry } from "./server-process.ts";
import { writeTar } from "./write-tar.ts";

const COUNT = 10_000;
const FOLDERS = 100;
const LAYERS = 6;
const LAYER_SIZE = 256;

const COLD: Target = { of: "value", is: "at most", limit: 3000 };
const WARM: Target = { of: "value", is: "at most", limit: 1000 };
const MEMORY: Target = { of: "value", is: "at most", limit: 300 };

/** What is asked for: in the middle of the folder. */
const ASKED = `/v2/team-${FOLDERS / 2}/app-${FOLDERS / 2}/manifests/1.0`;

/** From the start of the process to its first answers with many archives: when each has to be read, and when none has. */
export async function measureMany(folder: string, rounds: number): Promise<Figure[]> {
  const images = join(folder, "many");
  const [fresh, kept] = [join(folder, "many-fresh"), join(folder, "many-kept")];
  writeArchives(images);
  const start = (cache: string) => startOnce(() => startRegistry(images, cache), ["/v2/", ASKED]);
  try {
    await fill(images, kept);
    const { cold, warm } = await interleave(rounds, {
      cold: () => start(fresh).finally(() => rmSync(fresh, { recursive: true, force: true })),
      warm: () => start(kept),
    });
    return [...figuresOf("all to be read", cold, COLD), ...figuresOf("none to be read", warm, WARM)];
  } finally {
    for (const path of [images, kept]) rmSync(path, { recursive: true, force: true });
  }
}

/** Half of them docker archives and half OCI layouts, a few kB each. */
function writeArchives(folder: string): void {
  for (let index = 0; index < COUNT; index++) {
    const place = join(folder, `team-${index % FOLDERS}`);
    mkdirSync(place, { recursive: true });
    const layers = Array.from({ length: LAYERS }, () => fakeLayer(LAYER_SIZE));
    const image = fakeImage(`team-${index % FOLDERS}/app-${index}:1.0`, layers);
    writeTar(join(place, `app-${index}.tar`), index % 2 === 0 ? craneArchive(image) : dockerArchive(image));
  }
}

/** Lets a server read everything once and keep it. */
async function fill(images: string, cache: string): Promise<void> {
  // What was written to just now is read and not kept.
  await wait(1000);
  const server = await startRegistry(images, cache);
  const isFull = (): boolean => readdirSync(cache, { recursive: true, encoding: "utf8" }).some(isKept);
  mkdirSync(cache, { recursive: true });
  while (!isFull()) await wait(50);
  await server.stop();
}

const isKept = (path: string): boolean => path.endsWith("/scan");

function figuresOf(how: string, starts: readonly Start[], target: Target): Figure[] {
  const figure = (what: string, unit: string, figureOf: (start: Start) => number): Figure => ({
    what: `${what}, ${COUNT.toLocaleString("en")} archives, ${how}`,
    unit,
    registry: spreadOf(starts.map(figureOf)),
  });
  return [
    { ...figure("start to first /v2/", "ms", ({ firstAnswer }) => firstAnswer), target },
    { ...figure("start to first manifest", "ms", ({ firstManifest }) => firstManifest), target },
    figure("start to first manifest", "CPU ms", ({ cpu }) => cpu),
    { ...figure("memory after start", "MiB PSS", ({ memory }) => memory.share), target: MEMORY },
  ];
}
