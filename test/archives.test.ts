import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closeBody, readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { type Digest, digestOf, parseDigest, parseTag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import type { Catalogue } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import {
  COLLECTIONS,
  type Fixture,
  forgetFixture,
  INCOMPLETE,
  obtainable,
  openFixture,
  REFUSED,
} from "./support/fixtures.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";

const GOOD = testImage("good", "1.0", ["good"]);

for (const collection of COLLECTIONS) {
  describe(collection.title, () => {
    for (const fixture of collection.fixtures) {
      it(`${fixture.id} (${fixture.tool})${fixture.valid ? "" : `, broken: ${fixture.what}`}`, async (context) => {
        const root = temporaryFolder(context);
        context.after(() => forgetFixture(root));
        writeExport(root, GOOD);
        const live = await openFixture(collection, fixture, root);
        const registry = folder(live);
        await isServedWhole(registry);
        const reasons = live.current.skipped.map(({ reason }) => reason).join("\n");
        const refused = REFUSED[fixture.id];
        if (refused) assert.match(reasons, refused);
        else if (fixture.valid) await isServedAs(fixture, live.current, registry);
        await neverWrong(live.current, registry, { whole: fixture.valid && !refused && fixture.id !== INCOMPLETE });
      });
    }
  });
}

async function isServedWhole(registry: Registry): Promise<void> {
  const { descriptor } = await registry.getManifest("good", parseTag("1.0"));
  assert.equal(descriptor.digest, GOOD.manifest.descriptor.digest);
}

/** Every digest that its images had and that can be had from it, and every legal name that it carries. */
async function isServedAs(fixture: Fixture, catalogue: Catalogue, registry: Registry): Promise<void> {
  for (const digest of obtainable(fixture)) {
    const found = await Promise.all(catalogue.names.map((name) => manifestOf(registry, name, parseDigest(digest))));
    const bytes = found.find((each) => each !== undefined);
    assert.ok(bytes, `${digest} is nowhere`);
    assert.equal(digestOf(bytes), digest);
  }
  const tags = new Set(
    [...catalogue.repositories.values()].flatMap(({ name, tags: own }) =>
      [...own.keys()].map((tag) => `${name}:${tag}`),
    ),
  );
  for (const name of fixture.carriedNames ?? []) {
    const plain = /^(?:[^/]*[.:][^/]*\/|localhost\/)?([a-z0-9._/-]+:[\w][\w.-]{0,127})$/.exec(name)?.[1];
    // Names with these are tried one by one in names.test.ts.
    if (!plain || /i-was-a-digest|\/\/|\/:|^\/|\.\.|^[-.]|(\/y){20}|a{100}/.test(plain)) continue;
    const [, repository = "", tag = ""] = /^(.*):(.*)$/.exec(plain) ?? [];
    const short = repository.replace(/^library\/([^/]+)$/, "$1");
    const served = [plain, `${short}:${tag}`].some((each) => tags.has(each)) || isFolderName(fixture, catalogue);
    assert.ok(served, `${name} is not among ${[...tags].join(" ")}`);
  }
  assert.ok(tags.size > 1 || fixture.id.includes("by-digest"), "it has no name at all");
}

/** An export in `<repository>/<tag>/` is called by its folder, whatever it says itself. */
const isFolderName = ({ id }: Fixture, { repositories }: Catalogue): boolean =>
  repositories.get("fixtures")?.tags.has(parseTag(id.toLowerCase())) ?? false;

async function manifestOf(registry: Registry, name: string, digest: Digest): Promise<Uint8Array | undefined> {
  try {
    return (await registry.getManifest(name, digest)).bytes;
  } catch (error) {
    assert.ok(error instanceof RegistryError);
    return undefined;
  }
}

/** Whatever is in the folder: what is sent to its end is what its digest says. */
async function neverWrong(catalogue: Catalogue, registry: Registry, { whole }: { whole: boolean }): Promise<void> {
  for (const { name, blobs } of catalogue.repositories.values()) {
    for (const digest of blobs.keys()) {
      try {
        const { body } = await registry.getBlob(name, digest);
        assert.equal(digestOf(await readAll(streamOf(body))), digest);
        await closeBody(body);
      } catch (error) {
        assert.ok(error instanceof RegistryError, String(error));
        assert.ok(!whole, `${digest} of ${name}: ${error.message}`);
      }
    }
  }
}
