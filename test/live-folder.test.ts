import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import type { FileRange } from "../registry/archive/files.ts";
import { readAll, streamOf } from "../registry/content.ts";
import { type Digest, digestOf, parseTag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { orElse } from "../registry/soon.ts";
import { folder } from "../registry/store/folder.ts";
import { type LiveFolder, openFolder } from "../registry/store/live-folder.ts";
import { scan } from "../registry/store/scan.ts";
import { unpackCache } from "../registry/store/unpack-cache.ts";
import { type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { until } from "./support/until.ts";

const ONE = testImage("team/one", "1.0", ["one"]);
const TWO = testImage("team/one", "1.0", ["two"]);

interface Live {
  readonly root: string;
  readonly cache: string;
  readonly live: LiveFolder;
  readonly registry: Registry;
  /** The paths of what was told to be damaged. */
  readonly damage: string[];
}

function open(context: TestContext): Live {
  const root = temporaryFolder(context);
  const cache = temporaryFolder(context);
  const live = openFolder(root, { cache: unpackCache(cache, 1024 ** 3) });
  context.after(() => live.close());
  const damage: string[] = [];
  const registry = folder(live, { onDamage: ({ path }) => damage.push(path) });
  return { root, cache, live, registry, damage };
}

/** A tar of an export, in the memory of the test. */
function tarOf(context: TestContext, image: TestImage): Buffer {
  const unpacked = temporaryFolder(context);
  writeExport(unpacked, image, join(unpacked, "export"));
  return execFileSync("tar", ["-c", "-C", join(unpacked, "export"), ...readdirSync(join(unpacked, "export"))]);
}

/** An export whose layers are called `0.tgz`, `1.tgz`, …. */
function writeNameless(entry: string, image: TestImage): void {
  writeExport("", image, entry);
  const names = image.layers.map((layer, index) => {
    renameSync(join(entry, `${digestOf(layer).slice(7)}.tar.gz`), join(entry, `${index}.tgz`));
    return `${index}.tgz`;
  });
  const { repository, tag, config } = image;
  const list = [{ Config: digestOf(config), RepoTags: [`${repository}:${tag}`], Layers: names }];
  writeFileSync(join(entry, "manifest.json"), JSON.stringify(list));
}

function namelessTar(context: TestContext, image: TestImage): Buffer {
  const entry = temporaryFolder(context);
  writeNameless(entry, image);
  return execFileSync("tar", ["-c", "-C", entry, ...readdirSync(entry)]);
}

async function digestAt(registry: Registry, name = "team/one", tag = "1.0"): Promise<string | undefined> {
  const found = await orElse(
    () => registry.statManifest(name, parseTag(tag)),
    () => undefined,
  );
  return found?.digest;
}

/** Waits until its tag means this image, or team/one:1.0 none; fails after 5 s, of which 2 are promised. */
async function shows(registry: Registry, image: TestImage | undefined): Promise<void> {
  const wanted = image?.manifest.descriptor.digest;
  const shown = () => digestAt(registry, image?.repository, image?.tag);
  const deadline = Date.now() + 5_000;
  while ((await shown()) !== wanted) {
    assert.ok(Date.now() < deadline, `it shows ${await shown()} and not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a folder that changes while it is served", () => {
  it("shows a tar that is copied into it, replaced, moved and removed", async (context) => {
    const { root, registry } = open(context);
    const path = join(root, "app.tar");
    writeFileSync(path, tarOf(context, ONE));
    await shows(registry, ONE);
    writeFileSync(path, tarOf(context, TWO));
    await shows(registry, TWO);
    mkdirSync(join(root, "deeper"));
    renameSync(path, join(root, "deeper/app.tar"));
    await shows(registry, TWO);
    rmSync(join(root, "deeper"), { recursive: true });
    await shows(registry, undefined);
  });

  it("shows an export that is unpacked into it", async (context) => {
    const { root, registry } = open(context);
    mkdirSync(join(root, "team/one/1.0"), { recursive: true });
    execFileSync("tar", ["-x", "-C", join(root, "team/one/1.0")], { input: tarOf(context, ONE) });
    await shows(registry, ONE);
  });

  it("shows nothing of a tar that is still being written, and says no lasting error", async (context) => {
    const { root, live, registry } = open(context);
    const tar = tarOf(context, ONE);
    const path = join(root, "slow.tar");
    for (let start = 0; start < tar.length; start += 1024) {
      appendFileSync(path, tar.subarray(start, start + 1024));
      if (start + 1024 < tar.length) assert.equal(await digestAt(registry), undefined);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await shows(registry, ONE);
    assert.deepEqual(live.current.skipped, []);
  });

  it("ignores the temporary names of rsync, and shows the file under its own", async (context) => {
    const { root, live, registry } = open(context);
    writeFileSync(join(root, ".app.tar.x4Ks2p"), tarOf(context, ONE));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(live.current.skipped, []);
    assert.equal(await digestAt(registry), undefined);
    renameSync(join(root, ".app.tar.x4Ks2p"), join(root, "app.tar"));
    await shows(registry, ONE);
  });

  it("shows a compressed tar once it is unpacked, and keeps nothing of one that is gone", async (context) => {
    const { root, cache, registry } = open(context);
    const path = join(root, "app.tar.gz");
    writeFileSync(path, gzipSync(tarOf(context, ONE)));
    await shows(registry, ONE);
    assert.equal(readdirSync(cache).length, 1);
    rmSync(path);
    await shows(registry, undefined);
    await until(() => readdirSync(cache).length === 0, "the cache keeps nothing that nobody needs");
  });

  it("shows what comes into a folder that has taken the place of another", async (context) => {
    const { root, registry } = open(context);
    mkdirSync(join(root, "team"));
    writeFileSync(join(root, "team/app.tar"), tarOf(context, ONE));
    await shows(registry, ONE);
    rmSync(join(root, "team"), { recursive: true });
    mkdirSync(join(root, "team"));
    await shows(registry, undefined);
    writeFileSync(join(root, "team/app.tar"), tarOf(context, TWO));
    await shows(registry, TWO);
  });

  it("serves a compressed tar again after its sidecar was wrong for a while", async (context) => {
    const { root, registry } = open(context);
    writeFileSync(join(root, "app.tar.gz"), gzipSync(tarOf(context, ONE)));
    await shows(registry, ONE);
    writeFileSync(join(root, "app.tar.gz.digest"), "nonsense");
    await shows(registry, undefined);
    rmSync(join(root, "app.tar.gz.digest"));
    await shows(registry, ONE);
    const { body } = await registry.getBlob("team/one", digestOf(ONE.config));
    assert.deepEqual(await readAll(streamOf(body)), ONE.config);
  });

  it("serves a second compressed tar that comes while the first is unpacked", async (context) => {
    const { root, registry } = open(context);
    const other = testImage("other", "1.0", ["other"]);
    writeFileSync(join(root, "other.tar.gz"), gzipSync(tarOf(context, other)));
    await new Promise((resolve) => setTimeout(resolve, 900));
    writeFileSync(join(root, "app.tar.gz"), gzipSync(tarOf(context, ONE)));
    await shows(registry, ONE);
    assert.equal(await digestAt(registry, "other"), other.manifest.descriptor.digest);
  });

  it("goes on with the old image until the one that was moved to its place can be read", async (context) => {
    const { root, damage, registry } = open(context);
    const path = join(root, "app.tar");
    writeFileSync(path, tarOf(context, ONE));
    await shows(registry, ONE);
    const next = join(temporaryFolder(context), "next.tar");
    writeFileSync(next, tarOf(context, TWO));
    utimesSync(next, 1, 1);
    renameSync(next, path);
    assert.equal(await digestAt(registry), ONE.manifest.descriptor.digest);
    const layer = digestOf(ONE.layers[0] ?? Buffer.alloc(0));
    while ((await digestAt(registry)) !== TWO.manifest.descriptor.digest) {
      assert.equal(await digestAt(registry), ONE.manifest.descriptor.digest, "there is a gap");
      const read = async () => readAll(streamOf((await registry.getBlob("team/one", layer)).body));
      const answered = await read().then(
        () => "sent",
        ({ code }) => code,
      );
      assert.equal(answered, "UNAVAILABLE");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { body } = await registry.getBlob("team/one", digestOf(TWO.config));
    assert.deepEqual(await readAll(streamOf(body)), TWO.config);
    assert.deepEqual(damage, [], "nothing is damaged");
  });

  it("serves all of a compressed tar until what was moved to its place is unpacked", async (context) => {
    const { root, registry } = open(context);
    const path = join(root, "app.tar.gz");
    writeFileSync(path, gzipSync(tarOf(context, ONE)));
    await shows(registry, ONE);
    const next = join(temporaryFolder(context), "next.tar.gz");
    writeFileSync(next, gzipSync(tarOf(context, TWO)));
    renameSync(next, path);
    for (let blobs = 0; (await digestAt(registry)) !== TWO.manifest.descriptor.digest; blobs++) {
      const { body } = await orElse(
        () => registry.getBlob("team/one", digestOf(ONE.config)),
        async (error) => {
          assert.equal(await digestAt(registry), TWO.manifest.descriptor.digest, `there is a gap: ${error}`);
          return registry.getBlob("team/one", digestOf(TWO.config));
        },
      );
      await readAll(streamOf(body));
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(blobs < 500, "it does not show the new one");
    }
  });

  it("tells damage from a file that was replaced", async (context) => {
    const { root, damage, registry } = open(context);
    const tar = tarOf(context, ONE);
    const layer = ONE.layers[0] ?? Buffer.alloc(0);
    tar[tar.indexOf(layer) + layer.length - 1] = (tar[tar.indexOf(layer) + layer.length - 1] ?? 0) ^ 1;
    writeFileSync(join(root, "app.tar"), tar);
    await shows(registry, ONE);
    await assert.rejects(async () => registry.getBlob("team/one", digestOf(layer)), { code: "BLOB_UNKNOWN" });
    assert.equal(damage.length, 1);
  });

  it("takes what was last written long ago when it has seen it twice, and waits for what was written just now", (context) => {
    const root = temporaryFolder(context);
    writeFileSync(join(root, "moved.tar"), tarOf(context, ONE));
    utimesSync(join(root, "moved.tar"), 1, 1);
    writeFileSync(join(root, "written.tar"), tarOf(context, TWO));
    const settledBefore = Date.now() - 60_000;
    const first = scan(root, { settledBefore });
    assert.deepEqual(first.archives, []);
    const second = scan(root, { settledBefore, unsettledBefore: first.unsettled });
    assert.deepEqual(
      second.archives.map(({ path }) => path),
      ["moved.tar"],
    );
    assert.deepEqual(second.skipped, [{ path: "written.tar", reason: "it was written to just now" }]);
  });

  it("answers others while it hashes layers whose names hold no digest, in tars, folders and what was unpacked", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, ONE);
    const nameless = ["tar", "packed", "folder"].map((name) => testImage(`nameless/${name}`, "1.0", [name, "more"]));
    const [inTar, inPacked, inFolder] = nameless as [TestImage, TestImage, TestImage];
    writeFileSync(join(root, "a.tar"), namelessTar(context, inTar));
    writeFileSync(join(root, "b.tar.gz"), gzipSync(namelessTar(context, inPacked)));
    writeNameless(join(root, inFolder.repository, inFolder.tag), inFolder);
    const answered: (string | undefined)[] = [];
    const options = {
      cache: unpackCache(temporaryFolder(context), 1024 ** 3),
      hash: async ({ path, offset, size }: FileRange) => {
        answered.push(await digestAt(registry));
        assert.ok(live.current.skipped.some(({ reason }) => reason === "it is being read"));
        return digestOf(readFileSync(path).subarray(offset, offset + size));
      },
    };
    const live = openFolder(root, options);
    context.after(() => live.close());
    const registry = folder(live);
    await live.ready;
    assert.deepEqual(answered, Array(6).fill(ONE.manifest.descriptor.digest));
    for (const image of nameless) {
      assert.equal(await digestAt(registry, image.repository), image.manifest.descriptor.digest);
    }
    assert.deepEqual(live.current.skipped, []);
  });

  it("says why a layer could not be hashed, and does not try for ever", async (context) => {
    const root = temporaryFolder(context);
    writeNameless(join(root, "team/one/1.0"), ONE);
    let tries = 0;
    const hash = async (): Promise<Digest> => {
      tries++;
      throw Object.assign(new Error("input/output error"), { syscall: "read", code: "EIO" });
    };
    const live = openFolder(root, { hash });
    context.after(() => live.close());
    await live.ready;
    assert.equal(tries, 1);
    assert.deepEqual(live.current.skipped, [{ path: "team/one/1.0", reason: "it cannot be read (EIO)" }]);
  });

  it("hashes by itself what no name says", async (context) => {
    const { root, registry } = open(context);
    writeFileSync(join(root, "app.tar"), namelessTar(context, ONE));
    await shows(registry, ONE);
  });

  it("sends a blob to its end although its tar is removed", async (context) => {
    const { root, registry } = open(context);
    writeFileSync(join(root, "app.tar"), tarOf(context, ONE));
    await shows(registry, ONE);
    const layer = digestOf(ONE.layers[0] ?? Buffer.alloc(0));
    const { body } = await registry.getBlob("team/one", layer);
    rmSync(join(root, "app.tar"));
    await shows(registry, undefined);
    assert.equal(digestOf(await readAll(streamOf(body))), layer);
  });

  it("gives a name that two archives claim to the one changed last, and says so", async (context) => {
    const { root, live, registry } = open(context);
    writeFileSync(join(root, "first.tar"), tarOf(context, ONE));
    await shows(registry, ONE);
    writeFileSync(join(root, "second.tar"), tarOf(context, TWO));
    await shows(registry, TWO);
    assert.deepEqual(live.current.warnings, ["second.tar has taken team/one:1.0 over from first.tar"]);
    const both = [ONE, TWO].map(({ manifest }) => registry.getManifest("team/one", manifest.descriptor.digest));
    assert.equal((await Promise.all(both)).length, 2);
  });

  it("reads nothing again that has not changed", async (context) => {
    const { root, registry } = open(context);
    writeFileSync(join(root, "first.tar"), tarOf(context, ONE));
    await shows(registry, ONE);
    const { bytes: before } = await registry.getManifest("team/one", parseTag("1.0"));
    const other = testImage("other", "2.0", ["other"]);
    writeFileSync(join(root, "other.tar"), tarOf(context, other));
    await shows(registry, other);
    const { bytes: after } = await registry.getManifest("team/one", parseTag("1.0"));
    assert.equal(after, before, "the same object, because it was not read again");
  });
});
