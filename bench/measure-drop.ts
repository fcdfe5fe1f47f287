import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SETTLE } from "../registry/store/live-folder.ts";
import { dockerArchive, emptyLayer, type FakeImage, fakeImage, oldDockerArchive } from "./archives.ts";
import { get } from "./get.ts";
import type { Figure, Target } from "./report.ts";
import { interleave, spreadOf } from "./rounds.ts";
import { type ServerProcess, startRegistry } from "./server-process.ts";
import { type Member, writeTar } from "./write-tar.ts";

const GIB = 1024 ** 3;
/** Like an image with a model in it. */
const LAYER_SIZES = [GIB / 8, GIB / 2, 9 * GIB + (3 * GIB) / 8];

const TARGET: Target = { of: "value", is: "at most", limit: 1000 };

/** How long after a `docker save` of 10 GiB into the folder of a running server the image can be pulled. */
export async function measureDrop(folder: string, rounds: number): Promise<Figure[]> {
  const images = join(folder, "drop");
  mkdirSync(images);
  const server = await startRegistry(images, join(folder, "drop-cache"));
  try {
    const { old, now } = await interleave(rounds, {
      old: () => dropOnce(server, images, "old", oldDockerArchive),
      now: () => dropOnce(server, images, "now", dockerArchive),
    });
    return [...figuresOf("docker before 25", old), ...figuresOf("docker since 25", now)];
  } finally {
    await server.stop();
    rmSync(images, { recursive: true, force: true });
  }
}

/** Milliseconds from the last write until the manifest and the largest layer are there. */
async function dropOnce(
  server: ServerProcess,
  images: string,
  name: string,
  pack: (image: FakeImage) => readonly Member[],
): Promise<number> {
  const path = join(images, `${name}.tar`);
  const layers = LAYER_SIZES.map(emptyLayer);
  writeTar(path, pack(fakeImage(`${name}:1.0`, layers)));
  const dropped = performance.now();
  const url = `${server.origin}/v2/${name}`;
  await until(() => isThere(`${url}/manifests/1.0`));
  const time = performance.now() - dropped;
  const { status } = await fetch(`${url}/blobs/sha256:${layers[2]?.hex}`, { method: "HEAD" });
  if (status !== 200) throw new Error(`The layer of ${name} answers ${status}`);
  rmSync(path);
  await until(async () => !(await isThere(`${url}/manifests/1.0`)));
  return time;
}

const isThere = (url: string): Promise<boolean> =>
  get(url).then(
    () => true,
    () => false,
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(10);
}

function figuresOf(who: string, times: readonly number[]): Figure[] {
  const what = (since: string): string => `a tar of 10 GiB (${who}) ${since} to pullable`;
  return [
    { what: what("written"), unit: "ms", registry: spreadOf(times) },
    { what: what("settled"), unit: "ms", registry: spreadOf(times.map((time) => time - SETTLE)), target: TARGET },
  ];
}
