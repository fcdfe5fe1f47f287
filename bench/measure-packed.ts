import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { craneArchive, fakeImage, fakeLayer } from "./archives.ts";
import { largeLoad } from "./clients.ts";
import { BLOB_SIZE } from "./images.ts";
import { CONNECTION_COUNTS, figuresOf, transfer } from "./measure-blobs.ts";
import type { Figure, Target } from "./report.ts";
import { type Effort, interleave } from "./rounds.ts";
import { startRegistry } from "./server-process.ts";
import { writeTar } from "./write-tar.ts";

const TARGET: Target = { of: "ratio", is: "at least", limit: 0.9 };

/** A large blob in the middle of a tar, against the same bytes in a file of their own, from one server. */
export async function measurePacked(folder: string, effort: Effort): Promise<Figure[]> {
  const images = join(folder, "packed");
  const layer = fakeLayer(BLOB_SIZE);
  const small = fakeLayer(1000);
  const members = craneArchive(fakeImage("bench/tar:1", [small, layer, small]));
  const plain = join(images, "bench/plain/1");
  mkdirSync(plain, { recursive: true });
  writeTar(join(images, "bench.tar"), members);
  for (const { name, bytes } of members) writeFileSync(join(plain, name), bytes);
  const server = await startRegistry(images, join(folder, "packed-cache"));
  const urlOf = (name: string): string => `${server.origin}/v2/bench/${name}/blobs/sha256:${layer.hex}`;
  const figures: Figure[] = [];
  try {
    // The first ones verify the digest.
    for (const name of ["plain", "tar"]) await largeLoad(urlOf(name), 1, 0);
    for (const connections of CONNECTION_COUNTS) {
      const results = await interleave(effort.rounds, {
        bare: () => transfer(server, urlOf("plain"), connections, effort.seconds),
        registry: () => transfer(server, urlOf("tar"), connections, effort.seconds),
      });
      figures.push(...figuresOf("blob of 64 MiB in a tar, against a file", connections, results, TARGET));
    }
  } finally {
    await server.stop();
    rmSync(images, { recursive: true, force: true });
  }
  return figures;
}
