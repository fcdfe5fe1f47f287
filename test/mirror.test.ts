import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { announced } from "../registry/layer/announced.ts";
import { type Digest, digestOf, parseTag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { folder } from "../registry/store/folder.ts";
import { findBlob } from "../registry/store/found-blob.ts";
import { memory } from "../registry/store/memory.ts";
import { type Mirror, mirror, type Origin } from "../registry/store/mirror.ts";
import { changesOfRepositories, remembered } from "../registry/store/remembered.ts";
import { type Subject, testRegistry } from "./contract.ts";
import { pushBlob, pushImage, type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";

const FIRST = testImage("team/app", "1.0", ["first"]);
const SECOND = testImage("team/app", "1.0", ["second"]);
const TAG = parseTag("1.0");

interface Mirrored extends Mirror {
  /** The registry behind it, which tells the mirror of its changes. */
  readonly behind: Registry;
  /** What the mirror has asked for, in order. */
  readonly asked: string[];
}

/** As it is between two processes, in one. `deaf`: the mirror hears of no change. */
function mirrorOf(registry: Registry, { deaf = false, held = async () => {} } = {}): Mirrored {
  const asked: string[] = [];
  const origin: Origin = {
    async getManifest(repository, reference) {
      asked.push("manifest");
      const manifest = await registry.getManifest(repository, reference);
      await held();
      return manifest;
    },
    async statBlob(repository, digest) {
      asked.push("stat");
      return registry.statBlob(repository, digest);
    },
    async findBlob(repository, digest, range) {
      asked.push("blob");
      return findBlob(registry, repository, digest, range);
    },
    async fetchBlob(repository, digest, range) {
      asked.push("fetch");
      const { body } = await registry.getBlob(repository, digest, range ? { range } : {});
      return { kind: "stream", stream: streamOf(body), close: async () => {} };
    },
  };
  const made = mirror(origin);
  const changed = async (repository: string): Promise<void> => {
    if (!deaf) made.forget(repository);
  };
  return { ...made, asked, behind: announced(registry, changed) };
}

/** Reads through the mirror, and writes behind it. */
async function both(images: readonly TestImage[], { registry, close }: Subject): Promise<Subject> {
  const { behind, registry: copy } = mirrorOf(registry);
  for (const image of images) await pushImage(behind, image);
  const { getBlob, statBlob, getManifest, statManifest } = copy;
  return { registry: { ...behind, getBlob, statBlob, getManifest, statManifest }, close };
}

testRegistry("a mirror of the memory store", (images) => both(images, { registry: memory(), close: async () => {} }), {
  writable: true,
});
testRegistry(
  "a mirror of the data store",
  async (images) => {
    const removing: (() => void)[] = [];
    const root = temporaryFolder({ after: (remove) => void removing.push(remove) });
    const store = await openDataStore(join(root, "data"), { sync: false });
    const close = () => store.close().then(() => removing.forEach((remove) => void remove()));
    return both(images, { registry: store.registry, close });
  },
  { writable: true },
);

const isCode = (code: string) => (error: unknown) => error instanceof RegistryError && error.code === code;

async function bytesOf(registry: Registry, digest: Digest, range?: { start: number; end: number }): Promise<Buffer> {
  const { body } = await registry.getBlob("team/app", digest, range ? { range } : {});
  return readAll(streamOf(body));
}

describe("a mirror", () => {
  it("asks once for what does not change", async () => {
    const { registry, behind, asked } = mirrorOf(memory());
    await pushImage(behind, FIRST);
    for (let time = 0; time < 3; time++) {
      await registry.getManifest("team/app", TAG);
      await registry.statManifest("team/app", TAG);
      assert.deepEqual(await bytesOf(registry, digestOf(FIRST.config)), FIRST.config);
    }
    assert.deepEqual(asked, ["manifest", "blob"]);
  });

  it("keeps of what it is given the bytes alone, and not the memory that they came in", async () => {
    const store = memory();
    const { behind } = mirrorOf(store);
    await pushImage(behind, FIRST);
    const inPiece = (bytes: Uint8Array): Uint8Array =>
      Buffer.concat([bytes, Buffer.alloc(64 * 1024)]).subarray(0, bytes.length);
    const { registry } = mirrorOf({
      ...store,
      getManifest: async (...args) => {
        const manifest = await store.getManifest(...args);
        return { ...manifest, bytes: inPiece(manifest.bytes) };
      },
      getBlob: async (...args) => {
        const content = await store.getBlob(...args);
        return { ...content, body: { kind: "bytes", bytes: inPiece(await readAll(streamOf(content.body))) } };
      },
    });
    for (let time = 0; time < 2; time++) {
      const { bytes } = await registry.getManifest("team/app", TAG);
      const { body } = await registry.getBlob("team/app", digestOf(FIRST.config));
      const kept = body.kind === "bytes" ? body.bytes : Buffer.alloc(0);
      assert.deepEqual([bytes, kept], [FIRST.manifest.bytes, FIRST.config]);
      assert.deepEqual([bytes.buffer.byteLength, kept.buffer.byteLength], [bytes.length, kept.length]);
    }
  });

  it("asks once when many want the same at a time", async () => {
    const { registry, behind, asked } = mirrorOf(memory());
    await pushImage(behind, FIRST);
    await Promise.all(Array.from({ length: 50 }, () => registry.getManifest("team/app", TAG)));
    assert.deepEqual(asked, ["manifest"]);
  });

  for (const { deaf, digest } of [
    { deaf: false, digest: SECOND.manifest.descriptor.digest },
    // Shows that the first of these two would fail if the mirror were not told.
    { deaf: true, digest: FIRST.manifest.descriptor.digest },
  ]) {
    it(`${deaf ? "that is not told gives" : "gives no longer"} what a tag meant before`, async () => {
      const { registry, behind } = mirrorOf(memory(), { deaf });
      await pushImage(behind, FIRST);
      await registry.getManifest("team/app", TAG);
      await pushImage(behind, SECOND);
      assert.equal((await registry.getManifest("team/app", TAG)).descriptor.digest, digest);
    });
  }

  it("does not keep an answer that was overtaken by a change", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { registry, behind } = mirrorOf(memory(), { held: () => held });
    await pushImage(behind, FIRST);
    const overtaken = registry.getManifest("team/app", TAG);
    await pushImage(behind, SECOND);
    const later = registry.getManifest("team/app", TAG);
    release();
    assert.equal((await overtaken).descriptor.digest, FIRST.manifest.descriptor.digest);
    assert.equal((await later).descriptor.digest, SECOND.manifest.descriptor.digest);
    const { descriptor } = await registry.getManifest("team/app", TAG);
    assert.equal(descriptor.digest, SECOND.manifest.descriptor.digest);
  });

  it("knows a repository by both of its names", async () => {
    const { registry, forget, asked } = mirrorOf(memory());
    await assert.rejects(async () => registry.getManifest("library/app", TAG), isCode("NAME_UNKNOWN"));
    const changes = changesOfRepositories();
    const before = changes.versionOf("library/app");
    changes.note("app");
    assert.notEqual(changes.versionOf("library/app"), before);
    forget();
    assert.deepEqual(asked, ["manifest"]);
  });

  it("does not remember what is not there", async () => {
    const { registry, behind } = mirrorOf(memory(), { deaf: true });
    await assert.rejects(async () => registry.getManifest("team/app", TAG), isCode("NAME_UNKNOWN"));
    await assert.rejects(bytesOf(registry, digestOf(FIRST.config)), isCode("NAME_UNKNOWN"));
    await pushImage(behind, FIRST);
    await registry.getManifest("team/app", TAG);
    await bytesOf(registry, digestOf(FIRST.config));
  });
});

/** It begins as a compressed layer does. */
const BIG = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(3 * 1024 * 1024, "a blob in a file ")]);

async function dataStore(context: TestContext): Promise<Registry> {
  const store = await openDataStore(join(temporaryFolder(context), "data"), { sync: false });
  context.after(() => store.close());
  return store.registry;
}

describe("a mirror of files", () => {
  it("opens them itself, and asks once where they are", async (context) => {
    const { registry, behind, asked } = mirrorOf(await dataStore(context));
    const digest = await pushBlob(behind, "team/app", BIG);
    const part = { start: 70_000, end: 2_000_000 };
    assert.deepEqual(await bytesOf(registry, digest, part), BIG.subarray(part.start, part.end));
    assert.deepEqual(await bytesOf(registry, digest), BIG);
    assert.deepEqual(await bytesOf(registry, digest, part), BIG.subarray(part.start, part.end));
    await assert.rejects(
      bytesOf(registry, digest, { start: BIG.length, end: BIG.length + 1 }),
      isCode("RANGE_INVALID"),
    );
    assert.deepEqual(asked, ["blob"]);
  });

  it("gives a blob to no repository that does not have it", async (context) => {
    const { registry, behind } = mirrorOf(await dataStore(context));
    await pushImage(behind, FIRST);
    const digest = await pushBlob(behind, "team/other", BIG);
    await pushBlob(behind, "team/other", FIRST.config);
    assert.deepEqual(await readAll(streamOf((await registry.getBlob("team/other", digest)).body)), BIG);
    await assert.rejects(bytesOf(registry, digest), isCode("BLOB_UNKNOWN"));
    await behind.deleteBlob("team/other", digest);
    await assert.rejects(async () => registry.getBlob("team/other", digest), isCode("BLOB_UNKNOWN"));
  });

  it("gives none that was replaced since it was verified, though nobody said so", async (context) => {
    const root = temporaryFolder(context);
    const image = { ...FIRST, layers: [BIG] };
    const export_ = writeExport(root, image);
    const { registry, asked } = mirrorOf(folder({ current: readFolder(root) }));
    const digest = digestOf(BIG);
    // Checked on its way, and only then known to be good.
    assert.deepEqual(await bytesOf(registry, digest), BIG);
    assert.deepEqual(await bytesOf(registry, digest), BIG);
    const path = join(export_, `${digest.slice("sha256:".length)}.tar.gz`);
    writeFileSync(`${path}.new`, Buffer.alloc(BIG.length, "something else of the same size"));
    renameSync(`${path}.new`, path);
    await assert.rejects(bytesOf(registry, digest));
    assert.deepEqual(asked, ["blob", "fetch", "blob", "blob", "fetch"]);
  });

  it("takes what it cannot open from where it was found", async (context) => {
    const registry = await dataStore(context);
    const {
      registry: copy,
      behind,
      asked,
    } = mirrorOf({
      ...registry,
      getBlob: async (...args) => {
        const content = await registry.getBlob(...args);
        return content.body.kind === "file" ? { ...content, body: { ...content.body, path: "/nowhere" } } : content;
      },
    });
    const digest = await pushBlob(behind, "team/app", BIG);
    assert.deepEqual(await bytesOf(copy, digest), BIG);
    assert.deepEqual(asked, ["blob", "fetch"]);
  });
});

describe("what is remembered of repositories", () => {
  it("is bounded by bytes, and by how many changed", () => {
    const changes = changesOfRepositories(2);
    const memory = remembered<string>(changes, 5_000);
    const version = changes.versionOf("a");
    for (const name of ["a", "b", "c", "d"]) memory.set("a", name, name, { bytes: 1_500, version });
    assert.deepEqual(
      ["a", "b", "c", "d"].map((name) => memory.get("a", name)),
      [undefined, undefined, "c", "d"],
    );
    for (const name of ["x", "y"]) changes.note(name);
    assert.equal(memory.get("a", "d"), "d");
    changes.note("z");
    assert.equal(memory.get("a", "d"), undefined);
  });
});
