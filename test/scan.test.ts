import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Passing, tryEach, Unusable } from "../registry/archive/unusable.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import { orElse } from "../registry/soon.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { hexOf, type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";

const GOOD = testImage("good", "1.0", ["good"]);
const BAD = testImage("team/bad", "1.0", ["one", "two"]);
const LAYER = BAD.layers[0] ?? Buffer.alloc(0);
const LAYER_FILE = `${hexOf(digestOf(LAYER))}.tar.gz`;

/** What may lie in the folder and cannot be served: how it comes about, and what the owner of the folder reads. */
const BROKEN: Record<string, { spoil: (root: string, entry: string) => void; at?: string; says: RegExp }> = {
  "manifest.json that is not JSON": {
    spoil: (_, entry) => writeFileSync(join(entry, "manifest.json"), "[{"),
    says: /^manifest\.json is not JSON; export the image again$/,
  },
  "manifest.json that is not UTF-8": {
    spoil: (_, entry) => writeFileSync(join(entry, "manifest.json"), Buffer.from([0x5b, 0xff, 0x5d])),
    says: /not JSON/,
  },
  "manifest.json with an endless nesting": {
    spoil: (_, entry) => writeFileSync(join(entry, "manifest.json"), "[".repeat(1_000_000)),
    says: /not JSON/,
  },
  "manifest.json of 5 MiB": {
    spoil: (_, entry) => writeFileSync(join(entry, "manifest.json"), Buffer.alloc(5 * 1024 * 1024, " ")),
    says: /larger than/,
  },
  "manifest.json that is null": {
    spoil: (_, entry) => writeFileSync(join(entry, "manifest.json"), "null"),
    says: /lists no image/,
  },
  "manifest.json without a config": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Config: 7 }]),
    says: /names no config/,
  },
  "manifest.json without layers": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Layers: null }]),
    says: /no list of layers/,
  },
  "manifest.json that is a folder": {
    spoil: (_, entry) => {
      unlinkSync(join(entry, "manifest.json"));
      mkdirSync(join(entry, "manifest.json"));
    },
    says: /manifest\.json is not an ordinary file/,
  },
  "a layer that is missing": {
    spoil: (_, entry) => unlinkSync(join(entry, LAYER_FILE)),
    says: /\.tar\.gz is missing/,
  },
  "a config that is missing": {
    spoil: (_, entry) => unlinkSync(join(entry, digestOf(BAD.config))),
    says: /^sha256:.* is missing/,
  },
  "a config with other bytes": {
    spoil: (_, entry) => writeFileSync(join(entry, digestOf(BAD.config)), `${BAD.config} `),
    says: /does not match its digest/,
  },
  "a layer too many": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Layers: [...(first?.Layers ?? []), LAYER_FILE] }]),
    says: /lists 3 layers and the config 2/,
  },
  "a member that leads out of the export": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Config: `../../../good/1.0/${digestOf(GOOD.config)}` }]),
    says: /which is not in its folder/,
  },
  "a member with an absolute path": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Config: "/etc/passwd" }]),
    says: /which is not in its folder/,
  },
  "a member with a NUL": {
    spoil: (_, entry) => edit(entry, ([first]) => [{ ...first, Config: "a\0b" }]),
    says: /which is not in its folder/,
  },
  "a layer that is a link out of the folder": {
    spoil: (_, entry) => {
      unlinkSync(join(entry, LAYER_FILE));
      symlinkSync("/etc/passwd", join(entry, LAYER_FILE));
    },
    says: /is a link that leads out of the folder/,
  },
  "a layer that is a link to nothing": {
    spoil: (_, entry) => {
      unlinkSync(join(entry, LAYER_FILE));
      symlinkSync("nowhere", join(entry, LAYER_FILE));
    },
    says: /is missing/,
  },
  "a layer that is a link to itself": {
    spoil: (_, entry) => {
      unlinkSync(join(entry, LAYER_FILE));
      symlinkSync(LAYER_FILE, join(entry, LAYER_FILE));
    },
    says: /is a link that leads nowhere/,
  },
  "a layer that is a pipe": {
    spoil: (_, entry) => {
      unlinkSync(join(entry, LAYER_FILE));
      execFileSync("mkfifo", [join(entry, LAYER_FILE)]);
    },
    says: /is not an ordinary file/,
  },
  "an entry that is a link out of the folder": {
    spoil: (_, entry) => {
      rmSync(entry, { recursive: true });
      symlinkSync("/etc", entry);
    },
    says: /is a link that leads out of the folder/,
  },
  "a folder that is empty": {
    spoil: (_, entry) => {
      rmSync(entry, { recursive: true });
      mkdirSync(entry);
    },
    says: /the folder is empty/,
  },
  "an empty file": {
    spoil: (_, entry) => {
      rmSync(entry, { recursive: true });
      writeFileSync(entry, "");
    },
    says: /^the file is empty$/,
  },
  "a link to a folder that holds it": {
    spoil: (_, entry) => {
      rmSync(entry, { recursive: true });
      symlinkSync("..", entry);
    },
    says: /a link to a folder that holds it/,
  },
  "an export that lies too high": {
    at: "high",
    spoil: (root, entry) => renameSync(entry, join(root, "high")),
    says: /move it to <repository>\/<tag>\//,
  },
  "an upper-case repository": {
    at: "Team/1.0",
    spoil: (root, entry) => {
      mkdirSync(join(root, "Team"));
      renameSync(entry, join(root, "Team/1.0"));
    },
    says: /"Team" is not a repository name/,
  },
  "a tag with a space": {
    at: "team/1 0",
    spoil: (root, entry) => renameSync(entry, join(root, "team/1 0")),
    says: /"1 0" is not a tag/,
  },
};

describe("a folder of exports", () => {
  for (const [title, { spoil, at = "team/bad/1.0", says }] of Object.entries(BROKEN)) {
    it(`${title} is skipped with its reason, and hides nothing`, async (context) => {
      const { root, entry } = prepare(context);
      spoil(root, entry);
      const found = readFolder(root);
      const skipped = found.skipped.filter(({ path }) => path === at);
      assert.equal(skipped.length, 1, JSON.stringify(found.skipped));
      assert.match(skipped[0]?.reason ?? "", says);
      assert.ok(!skipped[0]?.reason.includes(root), "the reason names the server's path");
      assert.deepEqual([...found.repositories.keys()], ["good"]);
      await servesWhole(root, GOOD);
    });
  }

  it("is served at any depth, and one segment also as library/<name>", async (context) => {
    const root = temporaryFolder(context);
    const deep = testImage("a/b/c/d/e/f/g", "1.0", ["deep"]);
    const official = testImage("library/nginx", "1.0", ["official"]);
    for (const image of [GOOD, deep, official]) writeExport(root, image);
    for (const [name, image] of [
      ["good", GOOD],
      ["library/good", GOOD],
      ["nginx", official],
      ["library/nginx", official],
      ["a/b/c/d/e/f/g", deep],
    ] as const) {
      await servesWhole(root, { ...image, repository: name });
    }
  });

  it("holds exports of several images, which are called what they say themselves", async (context) => {
    const { root, entry } = prepare(context);
    edit(entry, ([first]) => [
      { ...first, RepoTags: ["registry.example:5000/first/app:1", "second:2"] },
      { ...first, RepoTags: null },
      { ...first, Config: "missing.json" },
    ]);
    for (const [repository, tag] of [
      ["first/app", "1"],
      ["second", "2"],
    ] as const) {
      await servesWhole(root, { ...BAD, repository, tag });
    }
    assert.deepEqual(readFolder(root).skipped, [{ path: "team/bad/1.0", reason: "missing.json is missing" }]);
  });

  it("may call a layer anything: its digest is computed then", async (context) => {
    const { root, entry } = prepare(context);
    renameSync(join(entry, LAYER_FILE), join(entry, "layer.tar.gz"));
    edit(entry, ([first]) => [{ ...first, Layers: ["layer.tar.gz", ...(first?.Layers?.slice(1) ?? [])] }]);
    await servesWhole(root, BAD);
  });

  it("gives a name that is there twice to the one changed last, and warns", async (context) => {
    const { root, entry } = prepare(context);
    mkdirSync(join(root, "library/good"), { recursive: true });
    renameSync(entry, join(root, "library/good/1.0"));
    const changed = new Date(Date.now() + 60_000);
    utimesSync(join(root, "library/good/1.0/manifest.json"), changed, changed);
    assert.equal(readFolder(root).warnings.length, 1);
  });

  it("gives the types that the bytes have, whatever the names say", async (context) => {
    const root = temporaryFolder(context);
    const entry = writeExport(root, BAD);
    const plain = Buffer.from("no magic at all, as in a tar");
    const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]);
    const types = async (first: Buffer): Promise<string[]> => {
      const names = [first, LAYER].map((layer) => `${hexOf(digestOf(layer))}.tar.gz`);
      for (const [index, layer] of [first, LAYER].entries()) writeFileSync(join(entry, names[index] ?? ""), layer);
      const config = Buffer.from(JSON.stringify({ rootfs: { diff_ids: [digestOf(first), digestOf(LAYER)] } }));
      writeFileSync(join(entry, digestOf(config)), config);
      edit(entry, () => [{ Config: digestOf(config), Layers: names }]);
      const { bytes } = await folder({ current: readFolder(root) }).getManifest("team/bad", parseTag("1.0"));
      const { layers } = JSON.parse(Buffer.from(bytes).toString()) as {
        layers: { mediaType: string; digest: string }[];
      };
      assert.deepEqual(
        layers.map(({ digest }) => digest),
        [digestOf(first), digestOf(LAYER)],
      );
      return layers.map(({ mediaType }) => mediaType.replace("application/vnd.", ""));
    };
    assert.deepEqual(await types(plain), ["docker.image.rootfs.diff.tar", "docker.image.rootfs.diff.tar.gzip"]);
    assert.deepEqual(await types(zstd), ["oci.image.layer.v1.tar+zstd", "oci.image.layer.v1.tar+gzip"]);
  });

  it("serves an image in which a layer occurs twice", async (context) => {
    const root = temporaryFolder(context);
    const twice = testImage("twice", "1.0", ["same", "other", "same"]);
    writeExport(root, twice);
    await servesWhole(root, twice);
  });

  it("keeps the type and the URLs of a foreign layer, whether its blob is there or not", async (context) => {
    const root = temporaryFolder(context);
    const entry = writeExport(root, BAD);
    const diffId = JSON.parse(BAD.config.toString()).rootfs.diff_ids[0];
    const urls = ["https://example.test/layer"];
    const mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const source = { mediaType, size: LAYER.length, digest: digestOf(LAYER), urls };
    edit(entry, ([first]) => [{ ...first, LayerSources: { [diffId]: source } }]);
    for (const present of [true, false]) {
      if (!present) unlinkSync(join(entry, LAYER_FILE));
      const registry = folder({ current: readFolder(root) });
      const { bytes } = await registry.getManifest("team/bad", parseTag("1.0"));
      assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()).layers[0], source);
      const statBlob = async () => registry.statBlob("team/bad", digestOf(LAYER));
      if (present) assert.equal((await statBlob()).size, LAYER.length);
      else await assert.rejects(statBlob, /no such blob/);
    }
  });

  it("may have a tag that is a link to another", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, GOOD);
    symlinkSync("1.0", join(root, "good/latest"));
    await servesWhole(root, { ...GOOD, tag: "latest" });
    assert.deepEqual(readFolder(root).skipped, []);
  });

  it("ignores what begins with a dot", (context) => {
    const root = temporaryFolder(context);
    writeExport(root, GOOD);
    writeFileSync(join(root, ".DS_Store"), "");
    mkdirSync(join(root, "good/.partial"));
    assert.deepEqual(readFolder(root).skipped, []);
  });

  it("gives every digest that the image may have had, and the same one for the tag each time", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, GOOD);
    const threeSpaces = Buffer.from(JSON.stringify(JSON.parse(GOOD.manifest.bytes.toString()), undefined, 3));
    for (let run = 0; run < 2; run++) {
      const registry = folder({ current: readFolder(root) });
      const { bytes } = await registry.getManifest("good", digestOf(threeSpaces));
      assert.deepEqual(Buffer.from(bytes), threeSpaces);
      const { digest } = await registry.statManifest("good", parseTag("1.0"));
      assert.equal(digest, GOOD.manifest.descriptor.digest);
    }
  });

  it("answers others while it looks for a digest that nothing may have had", async (context) => {
    const root = temporaryFolder(context);
    for (const tag of ["1", "2", "3"]) writeExport(root, testImage("good", tag, [tag]));
    const registry = folder({ current: readFolder(root) });
    const order: string[] = [];
    const unknown = orElse(
      () => registry.getManifest("good", digestOf(Buffer.from("?"))),
      () => order.push("unknown"),
    );
    setImmediate(() => order.push("other"));
    await unknown;
    assert.deepEqual(order, ["other", "unknown"]);
  });
});

function prepare(context: TestContext): { root: string; entry: string } {
  const root = temporaryFolder(context);
  writeExport(root, GOOD);
  return { root, entry: writeExport(root, BAD) };
}

interface Entry {
  Config?: unknown;
  RepoTags?: string[] | null;
  Layers?: string[] | null;
  LayerSources?: object;
}

function edit(entry: string, change: (entries: Entry[]) => Entry[]): void {
  const path = join(entry, "manifest.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))));
}

async function servesWhole(root: string, { repository, tag, manifest, config, layers }: TestImage): Promise<void> {
  const registry = folder({ current: readFolder(root) });
  const { bytes } = await registry.getManifest(repository, parseTag(tag));
  assert.deepEqual(Buffer.from(bytes), Buffer.from(manifest.bytes));
  for (const blob of [config, ...layers]) {
    assert.equal((await registry.statBlob(repository, digestOf(blob))).size, blob.length);
  }
}

describe("one of several images in an archive", () => {
  const read = (error: Error) => () =>
    tryEach(["good", "bad"], (each) => {
      if (each === "bad") throw error;
      return each;
    });

  it("that is broken hides no good one", () => {
    assert.deepEqual(read(new Unusable("it is broken"))(), { read: ["good"], problems: ["it is broken"] });
  });

  it("that cannot be read just now is not taken for broken: the archive is read later", () => {
    assert.throws(read(new Passing("too many files are open")), Passing);
  });
});
