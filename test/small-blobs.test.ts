import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { digestOf } from "../registry/reference.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { folder } from "../registry/store/folder.ts";
import { hexOf, pushImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
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

describe("a small image that was pushed", () => {
  for (const [title, restarts] of [
    ["", false],
    [" after a restart", true],
  ] as const) {
    it(`is pulled without the disk once it was pulled${title}`, async (context) => {
      const root = temporaryFolder(context);
      const image = testImage("app", "1.0", ["x"]);
      const open = () => openDataStore(root, { sync: false });
      const first = await open();
      await pushImage(first.registry, image);
      if (restarts) await first.close();
      const store = restarts ? await open() : first;
      context.after(store.close);
      const { origin, close } = await startServer(store.registry);
      context.after(close);
      const { descriptor, bytes } = image.manifest;
      const parts: [path: string, bytes: Uint8Array][] = [
        ["manifests/1.0", bytes],
        [`manifests/${descriptor.digest}`, bytes],
        ...[image.config, ...image.layers].map((blob): [string, Uint8Array] => [`blobs/${digestOf(blob)}`, blob]),
      ];
      const assertPulled = async (): Promise<void> => {
        for (const [path, expected] of parts) {
          const { status, body } = await ask(origin, "GET", `/v2/app/${path}`);
          assert.deepEqual([status, body], [200, Buffer.from(expected)], path);
          const head = await ask(origin, "HEAD", `/v2/app/${path}`);
          assert.deepEqual([head.status, head.headers["content-length"]], [200, String(expected.length)], path);
        }
      };
      await assertPulled();
      for (const kind of ["blobs", "repositories"]) rmSync(join(root, kind), { recursive: true });
      await assertPulled();
    });
  }
});
