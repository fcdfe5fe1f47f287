import assert from "node:assert/strict";
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTag } from "../registry/reference.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
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
