import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import { orElse } from "../registry/soon.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { projectRoot } from "./support/root.ts";

const fixture = (path: string): Buffer => readFileSync(join(projectRoot(), "test/fixtures", path));

const TARS = [
  "crane/docker-pushed.tar",
  "docker20/several-images.tar",
  "docker26/one.tar",
  "ctr/all-platforms.tar",
  "podman/oci-archive.tar",
  "oras/referrers.tar",
].map((path) => ({ path, bytes: fixture(path) }));

const GOOD = testImage("good", "1.0", ["good"]);

/** Puts bytes into a folder beside a good image, and reads all that is served then. */
function prober(context: TestContext): (bytes: Uint8Array) => Promise<number> {
  const root = temporaryFolder(context);
  writeExport(root, GOOD);
  return async (bytes) => {
    writeFileSync(join(root, "odd.tar"), bytes);
    const catalogue = readFolder(root);
    const registry = folder({ current: catalogue });
    assert.equal((await registry.statManifest("good", parseTag("1.0"))).digest, GOOD.manifest.descriptor.digest);
    let served = 0;
    for (const { name, blobs, tags } of catalogue.repositories.values()) {
      for (const { manifest } of tags.values()) {
        const { bytes: sent, descriptor } = await registry.getManifest(name, manifest.descriptor.digest);
        assert.equal(digestOf(sent), descriptor.digest);
      }
      for (const digest of blobs.keys()) {
        const content = await orElse(
          () => registry.getBlob(name, digest),
          (error) => {
            assert.ok(error instanceof RegistryError, String(error));
            return undefined;
          },
        );
        if (!content) continue;
        assert.equal(digestOf(await readAll(streamOf(content.body))), digest);
        served++;
      }
    }
    return served;
  };
}

describe("an archive that was made worse", () => {
  for (const { path, bytes } of TARS) {
    it(`${path}, cut at every block, is never served wrong`, async (context) => {
      const probe = prober(context);
      const whole = await probe(bytes);
      assert.ok(whole > 2);
      for (let size = 0; size < bytes.length; size += 512) {
        const served = await probe(bytes.subarray(0, size));
        assert.ok(served <= whole);
        await probe(bytes.subarray(0, size + 100));
      }
    });

    it(`${path}, with bytes changed anywhere, is never served wrong`, async (context) => {
      const probe = prober(context);
      const change = fc.record({ at: fc.nat({ max: bytes.length - 1 }), to: fc.nat({ max: 255 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
          const copy = Buffer.from(bytes);
          for (const { at, to } of changes) copy[at] = to;
          await probe(copy);
        }),
        { numRuns: 150 },
      );
    });
  }
});
