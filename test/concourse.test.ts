import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { readAll, streamOf } from "../registry/content.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import { type Catalogue, readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { openFolder } from "../registry/store/live-folder.ts";
import { unpackCache } from "../registry/store/unpack-cache.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";

const APP = testImage("team/app", "1.0", ["app"]);
/** The manifest as docker pushes it, which is not the one that a tag means when nobody says. */
const AS_PUSHED = Buffer.from(JSON.stringify(JSON.parse(APP.manifest.bytes.toString()), undefined, 3));

type Files = Readonly<Record<string, string | Buffer>>;

/** Writes a folder as a resource of Concourse leaves it. */
function writeResource(root: string, path: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, path, name, ".."), { recursive: true });
    writeFileSync(join(root, path, name), content);
  }
}

/** The tar of a folder with one file in it. */
function tarOf(context: TestContext, text: string): Buffer {
  const rootfs = temporaryFolder(context);
  const file = join(rootfs, "hello");
  writeFileSync(file, text);
  utimesSync(file, 0, 0);
  return execFileSync("tar", ["-cf", "-", "-C", rootfs, "hello"]);
}

/** What `crane pull` writes, and the registry-image resource with `format: oci`. */
function craneTar(context: TestContext): Buffer {
  const unpacked = temporaryFolder(context);
  writeExport(unpacked, APP, unpacked);
  return execFileSync("tar", ["-cf", "-", "-C", unpacked, ...readdirSync(unpacked)]);
}

/** Reads a folder as the server does, which unpacks what is compressed. */
async function open(context: TestContext, root: string): Promise<Catalogue> {
  const live = openFolder(root, { cache: unpackCache(temporaryFolder(context), 1024 ** 3) });
  await live.ready;
  live.close();
  return live.current;
}

const tagsOf = ({ repositories }: Catalogue): string[] =>
  [...repositories.values()].flatMap(({ name, tags }) => [...tags.keys()].map((tag) => `${name}:${tag}`)).sort();

const FETCHED: Files = { repository: "registry.example/team/web\n", tag: "2.1\n" };

describe("the folder that Concourse leaves of an image", () => {
  for (const path of ["my-image", "other/place/9.9"]) {
    it(`in ${path}/ is called what its files say`, (context) => {
      const root = temporaryFolder(context);
      writeResource(root, path, { ...FETCHED, digest: digestOf(Buffer.from("?")), "image.tar": craneTar(context) });
      const catalogue = readFolder(root);
      assert.deepEqual(tagsOf(catalogue), ["team/web:2.1"]);
      assert.deepEqual(catalogue.skipped, []);
    });
  }

  it("has the digest that is written in it, when that can be rebuilt", (context) => {
    const root = temporaryFolder(context);
    writeResource(root, "x", { ...FETCHED, digest: digestOf(AS_PUSHED), "image.tar": craneTar(context) });
    const tag = readFolder(root).repositories.get("team/web")?.tags.get(parseTag("2.1"));
    assert.deepEqual(tag?.manifest.bytes, AS_PUSHED);
  });

  it("may hold the tar compressed, as users do, and under its older name", async (context) => {
    const root = temporaryFolder(context);
    writeResource(root, "x", { ...FETCHED, image: gzipSync(craneTar(context)) });
    assert.deepEqual(tagsOf(await open(context, root)), ["team/web:2.1"]);
  });

  it("is called otherwise when a .names file beside it says so", (context) => {
    const root = temporaryFolder(context);
    writeResource(root, "x", { ...FETCHED, "image.tar": craneTar(context) });
    writeFileSync(join(root, "x.names"), "ours/web:3");
    assert.deepEqual(tagsOf(readFolder(root)), ["ours/web:3"]);
  });

  it("can hold a layout, whose index is the one that the image had", (context) => {
    const root = temporaryFolder(context);
    const put = (bytes: Buffer, mediaType: string) => {
      const digest = digestOf(bytes);
      writeResource(root, "x/oci/blobs/sha256", { [digest.slice(7)]: bytes });
      return { mediaType, digest, size: bytes.length };
    };
    const OCI = "application/vnd.oci.image";
    const config = put(Buffer.from("{}"), `${OCI}.config.v1+json`);
    const mediaType = `${OCI}.manifest.v1+json`;
    const image = put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })), mediaType);
    const index = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests: [image] }, undefined, 3),
    );
    writeResource(root, "x", { ...FETCHED, digest: digestOf(index), "oci/index.json": index });
    const { repositories, skipped } = readFolder(root);
    const repository = repositories.get("team/web");
    assert.deepEqual(repository?.tags.get(parseTag("2.1"))?.manifest.bytes, index);
    assert.ok(repository?.findManifest(image.digest));
    assert.deepEqual(skipped, []);
  });

  const refused: Record<string, { files: Files; says: RegExp }> = {
    "it was told to unpack": {
      files: { ...FETCHED, "metadata.json": "{}", "rootfs/etc/passwd": "", "rootfs/bin/sh": "" },
      says: /^x: .*unpacked.*"format: oci".*tar -C rootfs -cf rootfs\.tar/,
    },
    "it was told not to download": { files: FETCHED, says: /^x: .*skip_download/ },
  };
  for (const [title, { files, says }] of Object.entries(refused)) {
    it(`that ${title} is refused in one line that says what to do`, (context) => {
      const root = temporaryFolder(context);
      writeResource(root, "x", files);
      writeExport(root, APP);
      const { skipped, ...catalogue } = readFolder(root);
      const [line, ...others] = skipped.map(({ path, reason }) => `${path}: ${reason}`);
      assert.match(line ?? "", says);
      assert.deepEqual(others, []);
      assert.deepEqual(tagsOf({ skipped, ...catalogue }), ["team/app:1.0"]);
    });
  }

  it("is packed as the refusal says, and then served", (context) => {
    const root = temporaryFolder(context);
    writeResource(root, "x", { ...FETCHED, "metadata.json": "{}", "rootfs/etc/passwd": "root" });
    execFileSync("tar", ["-C", "rootfs", "-cf", "rootfs.tar", "."], { cwd: join(root, "x") });
    rmSync(join(root, "x/rootfs"), { recursive: true });
    assert.deepEqual(tagsOf(readFolder(root)), ["team/web:2.1"]);
  });
});

describe("a rootfs of Concourse", () => {
  const METADATA = { env: ["PATH=/bin", "LANG=C"], user: "1000", entrypoint: ["/hello"], cmd: null };

  const serve = async (context: TestContext, files: Files) => {
    const root = temporaryFolder(context);
    writeResource(root, "x", files);
    const catalogue = await open(context, root);
    const registry = folder({ current: catalogue });
    const read = async (...[name, digest, options]: Parameters<typeof registry.getBlob>): Promise<Buffer> =>
      readAll(streamOf((await registry.getBlob(name, digest, options)).body));
    return { catalogue, registry, read };
  };

  it("is an image of one layer, whose config is made of the metadata", async (context) => {
    const rootfs = tarOf(context, "hello");
    const { registry, read } = await serve(context, {
      ...FETCHED,
      "rootfs.tgz": gzipSync(rootfs),
      "metadata.json": JSON.stringify(METADATA),
      "labels.json": '{"a":"b"}',
    });
    const manifest = JSON.parse((await registry.getManifest("team/web", parseTag("2.1"))).bytes.toString());
    assert.equal(manifest.layers.length, 1);
    assert.deepEqual(await read("team/web", manifest.layers[0].digest), rootfs);
    const config = await read("team/web", manifest.config.digest);
    assert.equal(digestOf(config), manifest.config.digest);
    assert.equal((await registry.statBlob("team/web", manifest.config.digest)).size, config.length);
    assert.deepEqual(
      await read("team/web", manifest.config.digest, { range: { start: 1, end: 9 } }),
      config.subarray(1, 9),
    );
    assert.deepEqual(JSON.parse(config.toString()), {
      architecture: "amd64",
      os: "linux",
      config: { User: "1000", Env: METADATA.env, Entrypoint: ["/hello"], Labels: { a: "b" } },
      rootfs: { type: "layers", diff_ids: [digestOf(rootfs)] },
    });
  });

  it("has the same digest wherever it lies and however it is compressed, and another when a byte differs", async (context) => {
    const digestFor = async (files: Files): Promise<string | undefined> => {
      const { catalogue } = await serve(context, { ...FETCHED, "metadata.json": JSON.stringify(METADATA), ...files });
      return catalogue.repositories.get("team/web")?.tags.get(parseTag("2.1"))?.manifest.descriptor.digest;
    };
    const rootfs = tarOf(context, "hello");
    const digest = await digestFor({ "rootfs.tgz": gzipSync(rootfs) });
    assert.ok(digest);
    assert.equal(await digestFor({ "rootfs.tgz": gzipSync(rootfs, { level: 1 }) }), digest);
    assert.equal(await digestFor({ "rootfs.tar": rootfs }), digest);
    assert.notEqual(await digestFor({ "rootfs.tar": tarOf(context, "hallo") }), digest);
    assert.notEqual(await digestFor({ "rootfs.tar": rootfs, "metadata.json": "{}" }), digest);
  });

  it("of a resource type is called by its type and version", async (context) => {
    const { catalogue } = await serve(context, {
      "rootfs.tgz": gzipSync(tarOf(context, "hello")),
      "resource_metadata.json": '{"type":"registry-image","version":"1.9.0","privileged":false}',
    });
    assert.deepEqual(tagsOf(catalogue), ["registry-image:1.9.0"]);
    assert.deepEqual(catalogue.skipped, []);
  });

  it("without a name is called by its place", async (context) => {
    const root = temporaryFolder(context);
    writeResource(root, "team/base/4", { "rootfs.tar": tarOf(context, "hello"), "metadata.json": "{}" });
    assert.deepEqual(tagsOf(await open(context, root)), ["team/base:4"]);
  });

  it("that is no tar, or whose metadata is no object, is refused with a reason", async (context) => {
    for (const [files, says] of [
      [{ "rootfs.tgz": gzipSync("hello"), "metadata.json": "{}" }, /not a tar/],
      [{ "rootfs.tar": tarOf(context, "hello"), "metadata.json": "null" }, /metadata\.json is not a JSON object/],
      [{ "rootfs.tar": tarOf(context, "hello"), "metadata.json": "{" }, /metadata\.json is not JSON/],
    ] as const) {
      const { catalogue } = await serve(context, { ...FETCHED, ...files });
      assert.match(catalogue.skipped[0]?.reason ?? "", says);
      assert.deepEqual(tagsOf(catalogue), []);
    }
  });
});
