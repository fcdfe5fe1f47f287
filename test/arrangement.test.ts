import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { digestOf, parseTag } from "../registry/reference.ts";
import { type Catalogue, platformsOf, readFolder } from "../registry/store/catalogue.ts";
import { type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";

const APP = testImage("team/app", "1.0", ["app"]);
const OTHER = testImage("team/other", "2.0", ["other"]);

/** Writes a tar of an export whose RepoTags are `names`. */
function writeTar(context: TestContext, path: string, image: TestImage, names: string[] | null): void {
  const unpacked = temporaryFolder(context);
  writeExport(unpacked, image, unpacked);
  const config = digestOf(image.config);
  const layers = image.layers.map((layer) => `${digestOf(layer).slice(7)}.tar.gz`);
  writeFileSync(join(unpacked, "manifest.json"), JSON.stringify([{ Config: config, RepoTags: names, Layers: layers }]));
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("tar", ["-cf", path, "-C", unpacked, ...readdirSync(unpacked)]);
}

const tagsOf = ({ repositories }: Catalogue): string[] =>
  [...repositories.values()].flatMap(({ name, tags }) => [...tags.keys()].map((tag) => `${name}:${tag}`)).sort();

describe("where an archive lies", () => {
  const places: Record<string, { path: string; names: string[] | null; served: string[] }> = {
    "it is called what it says itself": {
      path: "any/where.tar",
      names: ["docker.io/team/app:1.0"],
      served: ["team/app:1.0"],
    },
    "it may say several names": { path: "x.tar", names: ["a/b:1", "host:5000/c:2"], served: ["a/b:1", "c:2"] },
    "a name without a tag is latest": { path: "x.tar", names: ["busybox"], served: ["busybox:latest"] },
    "its path names it when it says nothing": { path: "team/web/1.4.tar", names: null, served: ["team/web:1.4"] },
    "its file name names it": { path: "web_1.4.tar", names: null, served: ["web:1.4"] },
    "a file name with plus signs": { path: "team+web+1.4.tar", names: [], served: ["team/web:1.4"] },
    "<repository>/<tag>/ names it, whatever it says": {
      path: "my/app/3.1/image.tar",
      names: ["team/app:1.0"],
      served: ["my/app:3.1"],
    },
    "beside others in a folder it is called what it says": {
      path: "all/app.tar",
      names: ["team/app:1.0"],
      served: ["team/app:1.0"],
    },
  };
  for (const [title, { path, names, served }] of Object.entries(places)) {
    it(`${title}: ${path} is ${served.join(", ")}`, (context) => {
      const root = temporaryFolder(context);
      writeTar(context, join(root, path), APP, names);
      const catalogue = readFolder(root);
      assert.deepEqual(catalogue.skipped, []);
      assert.deepEqual(tagsOf(catalogue), served);
    });
  }

  it("that has no name at all is skipped with what to do", (context) => {
    const root = temporaryFolder(context);
    writeTar(context, join(root, "my app.tar"), APP, null);
    assert.match(readFolder(root).skipped[0]?.reason ?? "", /carries no name.*rename it to <repository>_<tag>\.tar/);
  });
});

describe("a sidecar", () => {
  it("<archive>.names says what the archive is called", (context) => {
    const root = temporaryFolder(context);
    writeTar(context, join(root, "app.tar"), APP, ["team/app:1.0"]);
    writeFileSync(join(root, "app.tar.names"), "# ours\nours/app:9\n registry.example/ours/app:latest \n\n");
    const catalogue = readFolder(root);
    assert.deepEqual(tagsOf(catalogue), ["ours/app:9", "ours/app:latest"]);
    assert.deepEqual(catalogue.skipped, []);
  });

  it("<archive>.digest chooses the manifest that tags mean, when it can be rebuilt", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, APP);
    const threeSpaces = digestOf(Buffer.from(JSON.stringify(JSON.parse(APP.manifest.bytes.toString()), undefined, 3)));
    writeFileSync(join(root, "team/app/1.0.digest"), `${threeSpaces}\n`);
    const repository = readFolder(root).repositories.get("team/app");
    assert.equal(repository?.tags.get(parseTag("1.0"))?.manifest.descriptor.digest, threeSpaces);
    assert.ok(await repository?.findManifest(APP.manifest.descriptor.digest), "the other digests can be had as well");
  });

  it("<archive>.digest that nothing can have had is said, and nothing is served in its place", (context) => {
    const root = temporaryFolder(context);
    writeExport(root, APP);
    for (const [text, says] of [
      [digestOf(Buffer.from("x")), /cannot be rebuilt/],
      ["latest", /is not a digest/],
    ] as const) {
      writeFileSync(join(root, "team/app/1.0.digest"), text);
      const { names, skipped } = readFolder(root);
      assert.deepEqual(names, []);
      assert.match(skipped[0]?.reason ?? "", says);
    }
  });

  it("a reference by digest in the archive chooses it, too", (context) => {
    const root = temporaryFolder(context);
    const threeSpaces = digestOf(Buffer.from(JSON.stringify(JSON.parse(APP.manifest.bytes.toString()), undefined, 3)));
    writeTar(context, join(root, "app.tar"), APP, [`team/app@${threeSpaces}`, "team/app:1.0"]);
    const tag = readFolder(root).repositories.get("team/app")?.tags.get(parseTag("1.0"));
    assert.equal(tag?.manifest.descriptor.digest, threeSpaces);
  });
});

describe("<repository>/<tag>/<os>-<arch>[-<variant>]", () => {
  const prepare = (context: TestContext): string => {
    const root = temporaryFolder(context);
    writeExport(root, APP, join(root, "team/app/1.0/linux-amd64"));
    writeTar(context, join(root, "team/app/1.0/linux-arm-v7.tar"), OTHER, null);
    return root;
  };

  it("is one image of several platforms, with the same digest each time", (context) => {
    const digests = [prepare(context), prepare(context)].map((root) => {
      const catalogue = readFolder(root);
      assert.deepEqual(catalogue.skipped, []);
      assert.deepEqual(tagsOf(catalogue), ["team/app:1.0"]);
      const image = catalogue.repositories.get("team/app")?.tags.get(parseTag("1.0"));
      assert.ok(image);
      assert.deepEqual(platformsOf(image), ["linux/amd64", "linux/arm/v7"]);
      const { manifests } = JSON.parse(Buffer.from(image.manifest.bytes).toString());
      assert.deepEqual(manifests[1].platform, { architecture: "arm", os: "linux", variant: "v7" });
      assert.equal(manifests[1].digest, OTHER.manifest.descriptor.digest);
      return image.manifest.descriptor.digest;
    });
    assert.equal(digests[0], digests[1]);
  });

  it("holds one image each", (context) => {
    const root = prepare(context);
    renameSync(join(root, "team/app/1.0/linux-amd64"), join(root, "moved"));
    mkdirSync(join(root, "team/app/1.0/linux-amd64"));
    const entry = [1, 2].map(() => ({ Config: digestOf(APP.config), Layers: [] }));
    writeFileSync(join(root, "team/app/1.0/linux-amd64/manifest.json"), JSON.stringify(entry));
    const reasons = readFolder(root).skipped.map(({ path }) => path);
    assert.ok(reasons.includes("team/app/1.0"));
  });

  it("is told from repositories that are called so", (context) => {
    const root = temporaryFolder(context);
    writeExport(root, APP, join(root, "tools/x/linux-amd64/1.0"));
    assert.deepEqual(tagsOf(readFolder(root)), ["tools/x/linux-amd64:1.0"]);
  });
});
