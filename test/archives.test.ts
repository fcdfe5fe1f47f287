import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { closeBody, readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { type Digest, digestOf, parseDigest, parseTag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import type { Catalogue } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { openFolder } from "../registry/store/live-folder.ts";
import { unpackCache } from "../registry/store/unpack-cache.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { projectRoot } from "./support/root.ts";

/** An archive made by a real tool, and what independent code found in it. */
interface Fixture {
  readonly id: string;
  readonly path: string;
  readonly tool: string;
  readonly what: string;
  readonly valid: boolean;
  readonly packedIn?: string;
  readonly carriedNames?: readonly string[] | null;
  /** The manifests that its images had in their registry. */
  readonly originals: readonly { digest: string; bytesInside?: boolean; rebuildable?: unknown }[];
}

/** Valid for some tool, and refused here with a reason. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "odd-sparse-gnu.tar": /stored with holes; pack it again without --sparse/,
  "odd-sparse-pax.tar": /stored with holes; pack it again without --sparse/,
};
/** docker exported an index without any of its layers: the index is served, and what is not there is said. */
const INCOMPLETE = "docker26-containerd-multi-platform-pulled";

const GOOD = testImage("good", "1.0", ["good"]);

/** The collection that the project carries, and the large one where it lies beside the project. */
for (const [title, collection] of [
  ["archives of every form", join(projectRoot(), "test/fixtures")],
  ["the large collection of archives", join(projectRoot(), "../shared/fixtures")],
] as const) {
  const facts = join(collection, "facts.json");
  if (!existsSync(facts)) continue;
  const { fixtures } = JSON.parse(readFileSync(facts, "utf8")) as { fixtures: Fixture[] };

  describe(title, () => {
    for (const fixture of fixtures) {
      it(`${fixture.id} (${fixture.tool})${fixture.valid ? "" : `, broken: ${fixture.what}`}`, async (context) => {
        const { catalogue, registry } = await serve(context, collection, fixture);
        await isServedWhole(registry);
        const reasons = catalogue.skipped.map(({ reason }) => reason).join("\n");
        const refused = REFUSED[fixture.id];
        if (refused) assert.match(reasons, refused);
        else if (fixture.valid) await isServedAs(fixture, catalogue, registry);
        await neverWrong(catalogue, registry, { whole: fixture.valid && !refused && fixture.id !== INCOMPLETE });
      });
    }
  });
}

/** Puts a fixture into a folder, beside an image that is good. */
async function serve(context: TestContext, collection: string, fixture: Fixture) {
  const root = temporaryFolder(context);
  writeExport(root, GOOD);
  place(collection, fixture, root);
  const live = openFolder(root, { cache: unpackCache(`${root}.cache`, 8 * 1024 ** 3) });
  context.after(() => execFileSync("rm", ["-rf", `${root}.cache`]));
  await live.ready;
  live.close();
  return { catalogue: live.current, registry: folder(live) };
}

function place(collection: string, { id, path, packedIn }: Fixture, root: string): void {
  const source = join(collection, path);
  const target = join(root, "fixtures", id.toLowerCase());
  if (packedIn) {
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xf", join(collection, packedIn), "-C", target, "--strip-components=1"]);
  } else if (existsSync(join(source, ".")) || !/\.(tar|gz|zst|xz|bz2|tgz)$/.test(path)) {
    cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  } else {
    cpSync(source, join(root, basename(path)));
  }
}

async function isServedWhole(registry: Registry): Promise<void> {
  const { descriptor } = await registry.getManifest("good", parseTag("1.0"));
  assert.equal(descriptor.digest, GOOD.manifest.descriptor.digest);
}

/** Every digest that its images had and that can be had from it, and every legal name that it carries. */
async function isServedAs(fixture: Fixture, catalogue: Catalogue, registry: Registry): Promise<void> {
  for (const { digest, bytesInside, rebuildable } of fixture.originals) {
    if (!bytesInside && !rebuildable) continue;
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
