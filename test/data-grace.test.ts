import assert from "node:assert/strict";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Digest, parseTag } from "../registry/reference.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { layoutOf } from "../registry/store/data/layout.ts";
import { pushBlob, pushImage, temporaryFolder, testImage } from "./support/images.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** As if everything in a folder had been written so much (ms) earlier. */
function grow(folder: string, age: number): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const written = new Date(Date.now() - age);
    utimesSync(join(folder, entry), written, written);
  }
}

describe("a collection", () => {
  for (const [title, isRepentant] of [
    ["gives what a deleted manifest was made of the whole grace, however long ago it was pushed", false],
    ["keeps it when the manifest is pushed again within the grace", true],
  ] as const) {
    it(title, async (context) => {
      const root = temporaryFolder(context);
      const image = testImage("app", "1.0", ["one", "two"]);
      const { mediaType, digest } = image.manifest.descriptor;
      let time = Date.now();
      const store = await openDataStore(root, { now: () => time, sync: false });
      context.after(store.close);
      await pushImage(store.registry, image);
      for (const folder of ["blobs", "repositories/app/blobs"]) grow(join(root, folder), 30 * DAY);
      await store.registry.deleteManifest("app", digest);

      time += 23 * HOUR;
      assert.equal((await store.collect({ grace: DAY })).unlinked, 0);
      // Its blobs are there, so this is all that has to be sent again.
      const manifest = { mediaType, bytes: image.manifest.bytes };
      if (isRepentant) await store.registry.pushManifest("app", manifest, [parseTag("1.0")]);
      time += 2 * HOUR;
      const { unlinked } = await store.collect({ grace: DAY });
      assert.equal(unlinked, isRepentant ? 0 : 3);
    });
  }

  it("says out of which repositories it takes something, as long as the bytes are there", async (context) => {
    const root = temporaryFolder(context);
    let time = Date.now();
    const store = await openDataStore(root, { now: () => time, sync: false });
    context.after(store.close);
    await pushImage(store.registry, testImage("app", "1.0", ["one"]));
    const digests = new Map<string, Digest>();
    for (const name of ["other", "team/app"])
      digests.set(name, await pushBlob(store.registry, name, Buffer.from(name)));
    time += HOUR;
    const told: string[] = [];
    const onUnlinked = async (name: string): Promise<void> => {
      const digest = digests.get(name);
      assert.ok(digest && existsSync(layoutOf(root).blob(digest)));
      await assert.rejects(async () => store.registry.statBlob(name, digest));
      told.push(name);
    };
    await store.collect({ grace: 0, dryRun: true, onUnlinked });
    assert.deepEqual(told, []);
    await store.collect({ grace: 0, onUnlinked });
    await store.collect({ grace: 0, onUnlinked });
    assert.deepEqual(told, ["other", "team/app"]);
  });

  it("has the options that it was given, also when it is asked for while another runs", async (context) => {
    const root = temporaryFolder(context);
    let time = Date.now();
    const store = await openDataStore(root, { now: () => time, sync: false });
    context.after(store.close);
    await pushImage(store.registry, testImage("app", "1.0", ["one"]));
    await pushBlob(store.registry, "app", Buffer.from("in no image"));
    time += HOUR;
    const found = await Promise.all([
      store.collect({ grace: DAY }),
      store.collect({ grace: 0, dryRun: true }),
      store.collect({ grace: 0 }),
      store.collect({ grace: 0 }),
    ]);
    assert.deepEqual(
      found.map(({ unlinked, trashed }) => [unlinked, trashed]),
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    );
  });
});
