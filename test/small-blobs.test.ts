import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { digestOf } from "../registry/reference.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { hexOf, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { ask, startServer } from "./support/server.ts";

const KIB = 1024;
const layerOf = (size: number, seed: number): Buffer =>
  Buffer.concat([Buffer.from([0x1f, 0x8b, seed, seed >> 8]), Buffer.alloc(size - 4, seed)]);

describe("a small blob", () => {
  const image = { ...testImage("app", "1.0", ["x"]), layers: [layerOf(64 * KIB, 1)] };
  const [layer = Buffer.alloc(0)] = image.layers;
  const path = `/v2/app/blobs/${digestOf(layer)}`;

  it("is read and checked once, and then there as long as the catalogue has it", async (context) => {
    const root = temporaryFolder(context);
    const entry = writeExport(root, image);
    const source = { current: readFolder(root) };
    const { origin, close } = await startServer(folder(source));
    context.after(close);
    assert.ok((await ask(origin, "GET", path)).body.equals(layer));
    const file = join(entry, `${hexOf(digestOf(layer))}.tar.gz`);
    for (const change of [
      () => writeFileSync(file, Buffer.alloc(layer.length)),
      () => rmSync(entry, { recursive: true }),
    ]) {
      change();
      assert.ok((await ask(origin, "GET", path)).body.equals(layer));
      const part = await ask(origin, "GET", path, { headers: { Range: "bytes=1-3" } });
      assert.ok(part.body.equals(layer.subarray(1, 4)));
      assert.equal((await ask(origin, "HEAD", path)).headers["content-length"], String(layer.length));
    }
    source.current = readFolder(root);
    assert.equal((await ask(origin, "GET", path)).status, 404);
    assert.equal((await ask(origin, "HEAD", path)).status, 404);
  });

  it("makes room for others", async (context) => {
    const root = temporaryFolder(context);
    const layers = Array.from({ length: 300 }, (_, index) => layerOf(64 * KIB, index));
    const entry = writeExport(root, {
      ...testImage(
        "app",
        "1.0",
        layers.map((_, index) => String(index)),
      ),
      layers,
    });
    const { origin, close } = await startServer(folder({ current: readFolder(root) }));
    context.after(close);
    for (const bytes of layers)
      assert.equal((await ask(origin, "GET", `/v2/app/blobs/${digestOf(bytes)}`)).status, 200);
    rmSync(entry, { recursive: true });
    const statuses: number[] = [];
    for (const bytes of [layers.at(0), layers.at(-1)]) {
      statuses.push((await ask(origin, "GET", `/v2/app/blobs/${digestOf(bytes ?? Buffer.alloc(0))}`)).status);
    }
    assert.deepEqual(statuses, [404, 200]);
  });
});
