import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SETTLE } from "../../registry/store/live-folder.ts";
import type { Bench } from "../bench.ts";
import { get } from "../clients/get.ts";
import { dockerArchive, emptyLayer, type FakeImage, fakeImage, oldDockerArchive } from "../content/archives.ts";
import { type Member, writeTar } from "../content/write-tar.ts";
import { type Figure, figure, OURS } from "../measure/figure.ts";
import { interleave } from "../measure/rounds.ts";
import type { ServerProcess } from "../servers/server-process.ts";

const GIB = 1024 ** 3;
/** Like an image with a model in it. */
const LAYER_SIZES = [GIB / 8, GIB / 2, 9 * GIB + (3 * GIB) / 8];

/** How long after a `docker save` of 10 GiB into the folder of a running server the image can be pulled. */
export async function measureDrop({ folder, ours, effort }: Bench): Promise<Figure[]> {
  const images = join(folder, "drop");
  mkdirSync(images);
  const server = await ours.serveArchives(images, join(folder, "drop-cache"));
  try {
    const figures: Figure[] = [];
    for (const [who, name, pack] of [
      ["docker before 25", "old", oldDockerArchive],
      ["docker since 25", "now", dockerArchive],
    ] as const) {
      const times = await interleave(effort.rounds, { [OURS]: () => dropOnce(server, images, name, pack) });
      const what = (since: string): string => `a tar of 10 GiB (${who}) ${since} to pullable`;
      figures.push(
        figure(what("written"), "ms", times, (time) => time),
        figure(what("settled"), "ms", times, (time) => time - SETTLE, [
          { goal: "a tar of 10 GiB: settled to pullable (ms)", is: "at most", limit: 1000 },
        ]),
      );
    }
    return figures;
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
