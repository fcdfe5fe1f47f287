import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { expireRegularly } from "../cmd/expire-regularly.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { temporaryFolder } from "./support/images.ts";

const HOUR = 3_600_000;

describe("giving up uploads", () => {
  for (const [waited, left] of [
    [23 * HOUR, 1],
    [25 * HOUR, 0],
  ] as const) {
    it(`leaves ${left} of 1 after ${waited / HOUR} hours, though no garbage is collected`, async (context) => {
      const root = join(temporaryFolder(context), "data");
      let time = Date.now();
      const store = await openDataStore(root, { now: () => time, sync: false, limits: { uploadExpiry: 24 * HOUR } });
      context.after(store.close);
      await store.registry.startUpload("app");
      context.mock.timers.enable({ apis: ["setInterval"] });
      const looks: Promise<number>[] = [];
      const expire = (): Promise<number> => {
        const look = store.expire();
        looks.push(look);
        return look;
      };
      const stop = expireRegularly({ expire }, 24 * HOUR, { onExpired: () => {}, onError: assert.ifError });
      time += waited;
      context.mock.timers.tick(HOUR);
      stop();
      context.mock.timers.tick(HOUR);
      assert.deepEqual(await Promise.all(looks), [1 - left]);
      assert.equal(readdirSync(join(root, "uploads")).length, left);
    });
  }
});
