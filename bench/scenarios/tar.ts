import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { craneArchive, fakeImage, fakeLayer } from "../content/archives.ts";
import { SIZES } from "../content/content.ts";
import { writeTar } from "../content/write-tar.ts";
import { type Figure, NO_NATIVE, OURS } from "../measure/figure.ts";
import { byteFigures, type Contestant, ofConnections, underLoad } from "../measure/under-load.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const MEASURED = ["1 MiB", "64 MiB"];
const CONNECTIONS = [1, 8];

/** Blobs in the middle of a tar, against the same bytes in files of their own, from one server. */
export const tar: Scenario = {
  name: "tar",
  title: "Blobs inside a tar, and the same as files",
  quick: false,
  async measure(bench) {
    const images = join(bench.folder, "packed");
    const layers = Object.fromEntries(MEASURED.map((name) => [name, fakeLayer(SIZES[name] ?? 0)]));
    const members = craneArchive(
      fakeImage("bench/tar:1", [fakeLayer(1000), ...Object.values(layers), fakeLayer(1000)]),
    );
    const plain = join(images, "bench/plain/1");
    mkdirSync(plain, { recursive: true });
    writeTar(join(images, "bench.tar"), members);
    for (const { name, bytes } of members) writeFileSync(join(plain, name), bytes);
    const servers = await startBoth(bench, images);
    const figures: Figure[] = [];
    try {
      for (const [name, { hex }] of Object.entries(layers)) {
        const contestants = contestantsOf(servers, hex);
        for (const connections of CONNECTIONS) {
          const results = await underLoad(bench.load, contestants, connections, bench.effort);
          figures.push(...byteFigures(`${name}, ${ofConnections(connections)}`, results, { speed: TARGETS }));
        }
      }
    } finally {
      for (const server of Object.values(servers)) await server.stop();
      rmSync(images, { recursive: true, force: true });
    }
    return figures;
  },
};

const inTar = (name: string): string => `${name}, in a tar`;
const asFile = (name: string): string => `${name}, a file`;

const TARGETS = [OURS, NO_NATIVE].map((name) => ({
  goal: `blobs inside a tar: GB/s, to the plain file${name === OURS ? "" : ", `--no-native`"}`,
  who: inTar(name),
  to: asFile(name),
  is: "at least" as const,
  limit: 0.95,
}));

async function startBoth({ ours, folder }: Bench, images: string): Promise<Record<string, ServerProcess>> {
  const servers: Record<string, ServerProcess> = {};
  for (const [name, flags] of Object.entries(ours.variants).filter(([name]) => name === OURS || name === NO_NATIVE)) {
    servers[name] = await ours.serveArchives(images, join(folder, `packed-cache${flags.join("")}`), ...flags);
  }
  return servers;
}

function contestantsOf(servers: Readonly<Record<string, ServerProcess>>, hex: string): Record<string, Contestant> {
  const contestants: Record<string, Contestant> = {};
  for (const [name, server] of Object.entries(servers)) {
    const urlOf = (repository: string): string => `${server.origin}/v2/bench/${repository}/blobs/sha256:${hex}`;
    contestants[asFile(name)] = { server, load: { url: urlOf("plain") } };
    contestants[inTar(name)] = { server, load: { url: urlOf("tar") } };
  }
  return contestants;
}
