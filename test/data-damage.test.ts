import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { streamOf } from "../registry/content.ts";
import { type Digest, digestOf, parseTag } from "../registry/reference.ts";
import type { Body, Registry } from "../registry/registry.ts";
import { checkData } from "../registry/store/data/check.ts";
import { type DataOptions, openDataStore } from "../registry/store/data/data-store.ts";
import { type Layout, layoutOf } from "../registry/store/data/layout.ts";
import { encodeRecord } from "../registry/store/data/record.ts";
import { pushBlob, pushImage, temporaryFolder, testImage } from "./support/images.ts";
import { ask, errorOf, startServer } from "./support/server.ts";

const MIB = 1024 * 1024;
const IMAGE = testImage("app", "1.0", ["one"]);

interface Damaged {
  readonly registry: Registry;
  readonly origin: string;
  readonly digest: Digest;
  readonly blob: Buffer;
  readonly file: string;
  readonly root: string;
  readonly reports: string[];
}

/** A server whose data folder holds a blob that it has not read since it was started. */
async function serveBlob(context: TestContext, size: number, options: DataOptions = {}): Promise<Damaged> {
  const root = join(temporaryFolder(context), "data");
  const blob = randomBytes(size);
  const first = await openDataStore(root);
  await pushImage(first.registry, IMAGE);
  const digest = await pushBlob(first.registry, "app", blob);
  await first.close();
  const reports: string[] = [];
  const { registry, close } = await openDataStore(root, { onDamage: (message) => reports.push(message), ...options });
  const server = await startServer(registry);
  context.after(async () => {
    await server.close();
    await close();
  });
  return { registry, origin: server.origin, digest, blob, file: layoutOf(root).blob(digest), root, reports };
}

/** What happens to files on disks that are not well. */
const DAMAGES: readonly [string, (file: string, blob: Buffer) => void][] = [
  ["one bit flipped at the start", (file, blob) => writeFileSync(file, flipped(blob, 0))],
  ["one bit flipped at the end", (file, blob) => writeFileSync(file, flipped(blob, blob.length - 1))],
  ["other bytes of the same length", (file, blob) => writeFileSync(file, Buffer.alloc(blob.length))],
  ["cut short", (file) => truncateSync(file, 1000)],
  ["cut to nothing", (file) => truncateSync(file, 0)],
  ["grown", (file, blob) => writeFileSync(file, Buffer.concat([blob, blob]))],
  ["gone", (file) => rmSync(file)],
];

function flipped(blob: Buffer, at: number): Buffer {
  const bytes = Buffer.from(blob);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

const pathOf = (digest: Digest): string => `/v2/app/blobs/${digest}`;

/** The answer; undefined when the connection broke off, which no client takes for a whole blob. */
const tryGet = ({ origin, digest }: Damaged, headers: Record<string, string> = {}) =>
  ask(origin, "GET", pathOf(digest), { headers }).catch(() => undefined);

for (const size of [5000, 3 * MIB]) {
  describe(`a pushed blob of ${size} bytes whose file is`, () => {
    for (const [title, damage] of DAMAGES) {
      it(`${title}: is never served as whole, then unknown, and healed by the next push`, async (context) => {
        const served = await serveBlob(context, size);
        damage(served.file, served.blob);
        const first = await tryGet(served);
        if (first?.status === 200) assert.equal(digestOf(first.body), served.digest, "wrong bytes as whole");
        for (const [method, headers] of [
          ["GET", {}],
          ["GET", { Range: "bytes=0-9" }],
          ["HEAD", {}],
        ] as const) {
          const { status } = await ask(served.origin, method, pathOf(served.digest), { headers });
          assert.equal(status, 404, `${method} ${JSON.stringify(headers)}`);
        }
        await pushBlob(served.registry, "app", served.blob);
        assert.deepEqual((await tryGet(served))?.body, served.blob);
      });

      it(`${title}: is healed from the archives that have it, without a push`, async (context) => {
        let blob: Buffer | undefined;
        const findCopy = async (): Promise<Body | undefined> => blob && { kind: "bytes", bytes: blob };
        const served = await serveBlob(context, size, { findCopy });
        damage(served.file, served.blob);
        blob = served.blob;
        await tryGet(served);
        assert.deepEqual((await tryGet(served))?.body, served.blob);
        assert.equal((await ask(served.origin, "HEAD", pathOf(served.digest))).headers["content-length"], `${size}`);
      });
    }
  });
}

describe("a data folder of which a part was removed", () => {
  for (const part of ["tmp", "uploads", "blobs"]) {
    it(`is written to again without ${part}/`, async (context) => {
      const { registry, root } = await serveBlob(context, 5000);
      rmSync(join(root, part), { recursive: true });
      const image = testImage("other", "1", ["two"]);
      await pushImage(registry, image);
      await registry.getManifest("other", parseTag("1"));
    });
  }
});

describe("a pull", () => {
  it("of a blob that is deleted and collected meanwhile comes to its end", async (context) => {
    const root = join(temporaryFolder(context), "data");
    let time = Date.now();
    const { registry, collect, close } = await openDataStore(root, { now: () => time });
    context.after(close);
    const blob = randomBytes(3 * MIB);
    const digest = await pushBlob(registry, "app", blob);
    const { body } = await registry.getBlob("app", digest);
    const chunks: Uint8Array[] = [];
    for await (const chunk of streamOf(body)) {
      if (chunks.length === 0) {
        await registry.deleteBlob("app", digest);
        time += 60_000;
        assert.equal((await collect({ grace: 0 })).trashed, 1);
      }
      chunks.push(chunk);
    }
    assert.deepEqual(Buffer.concat(chunks), blob);
  });
});

describe("what is found damaged", () => {
  it("is moved aside and reported", async (context) => {
    const served = await serveBlob(context, 5000);
    writeFileSync(served.file, flipped(served.blob, 7));
    await tryGet(served);
    await tryGet(served);
    assert.equal(served.reports.length, 1);
    assert.match(served.reports[0] ?? "", new RegExp(`the blob ${served.digest} is damaged`));
    assert.equal(readdirSync(layoutOf(served.root).quarantine).length, 1);
  });

  for (const [title, onlyLook] of [
    ["stays as it is under the eyes of those who only look", true],
    ["is mended by the process that has the folder: the negative control", false],
  ] as const) {
    it(title, async (context) => {
      const root = join(temporaryFolder(context), "data");
      const layout = layoutOf(root);
      const before = await openDataStore(root);
      await pushImage(before.registry, IMAGE);
      const [damaged, collected] = [randomBytes(5000), randomBytes(5001)];
      for (const blob of [damaged, collected]) await pushBlob(before.registry, "app", blob);
      await before.close();
      writeFileSync(layout.blob(digestOf(damaged)), flipped(damaged, 7));
      mkdirSync(layout.trash);
      renameSync(layout.blob(digestOf(collected)), layout.trashed(digestOf(collected), 1));
      const files = () => readdirSync(root, { recursive: true }).sort();
      const found = files();

      const store = await openDataStore(root, { onlyLook, findCopy: async () => ({ kind: "bytes", bytes: damaged }) });
      context.after(store.close);
      for (const blob of [damaged, collected]) {
        for (let attempt = 0; attempt < 2; attempt++) {
          const read = async () => store.registry.getBlob("app", digestOf(blob));
          if (onlyLook) await assert.rejects(read, { code: "BLOB_UNKNOWN" });
          else await read();
        }
      }
      await store.registry.getManifest("app", parseTag("1.0"));
      if (onlyLook) assert.deepEqual(files(), found);
      else assert.notDeepEqual(files(), found);
    });
  }

  it("is not replaced by a copy that is no better", async (context) => {
    const served = await serveBlob(context, 5000, {
      findCopy: async () => ({ kind: "bytes", bytes: Buffer.alloc(5000) }),
    });
    rmSync(served.file);
    assert.equal((await tryGet(served))?.status, 404);
    assert.deepEqual(readdirSync(layoutOf(served.root).temporary), []);
  });

  it("comes back out of the trash, if it lies there", async (context) => {
    const served = await serveBlob(context, 5000);
    const layout = layoutOf(served.root);
    rmSync(served.file);
    mkdirSync(layout.trash);
    writeFileSync(layout.trashed(served.digest, 1), served.blob);
    assert.deepEqual((await tryGet(served))?.body, served.blob);
  });

  it("may be a manifest, which is then unknown until it is pushed again", async (context) => {
    const served = await serveBlob(context, 5000);
    const { digest } = IMAGE.manifest.descriptor;
    const file = layoutOf(served.root).manifest("app", digest);
    writeFileSync(file, "nonsense");
    for (const reference of ["1.0", digest]) {
      assert.equal((await ask(served.origin, "GET", `/v2/app/manifests/${reference}`)).status, 404);
    }
    assert.match(served.reports.join("\n"), /the manifest sha256:.* of app is damaged; push it again/);
    await pushImage(served.registry, IMAGE);
    assert.equal((await served.registry.getManifest("app", parseTag("1.0"))).descriptor.digest, digest);
  });

  it("may be a manifest that is no JSON any more, which holds up neither collecting nor deleting", async (context) => {
    const root = join(temporaryFolder(context), "data");
    const { registry, collect, close } = await openDataStore(root);
    await pushImage(registry, IMAGE);
    await close();
    const bytes = Buffer.from("\ufeff{}");
    const file = layoutOf(root).manifest("app", digestOf(bytes));
    writeFileSync(file, encodeRecord({ mediaType: "application/x" }, bytes));
    const again = await openDataStore(root);
    context.after(() => again.close());
    await assert.rejects(collect({ grace: 0 }), "closed");
    assert.equal((await again.collect({ grace: 0 })).problems.length, 1);
    await again.registry.deleteManifest("app", digestOf(bytes));
    await again.registry.getManifest("app", parseTag("1.0"));
  });

  it("may be a tag, which is then unknown until it is pushed again", async (context) => {
    const served = await serveBlob(context, 5000);
    writeFileSync(layoutOf(served.root).tag("app", parseTag("1.0")), "");
    assert.equal((await ask(served.origin, "GET", "/v2/app/manifests/1.0")).status, 404);
    assert.match(served.reports.join("\n"), /the tag app:1.0 is damaged; push it again/);
    await served.registry.getManifest("app", IMAGE.manifest.descriptor.digest);
    await pushImage(served.registry, IMAGE);
    await served.registry.getManifest("app", parseTag("1.0"));
  });

  it("is looked at for a week where it was moved to, and then collected", async (context) => {
    let time = Date.now();
    const root = join(temporaryFolder(context), "data");
    const layout = layoutOf(root);
    const first = await openDataStore(root);
    const blob = randomBytes(5000);
    await pushBlob(first.registry, "app", blob);
    await first.close();
    writeFileSync(layout.blob(digestOf(blob)), flipped(blob, 7));
    const { registry, collect, close } = await openDataStore(root, { now: () => time });
    context.after(close);
    await assert.rejects(async () => registry.getBlob("app", digestOf(blob)), { code: "BLOB_UNKNOWN" });
    const day = 24 * 60 * 60 * 1000;
    for (const { days, kept } of [
      { days: 0, kept: 1 },
      { days: 6, kept: 1 },
      { days: 2, kept: 0 },
    ]) {
      time += days * day;
      const wouldBe = await collect({ grace: 0, dryRun: true });
      assert.equal(readdirSync(layout.quarantine).length, days === 2 ? 1 : kept, "looking takes nothing");
      const { removed } = await collect({ grace: 0 });
      assert.equal(readdirSync(layout.quarantine).length, kept);
      assert.deepEqual([wouldBe.removed, removed], kept === 1 ? [0, 0] : [1, 1]);
    }
  });

  const DIGEST = IMAGE.manifest.descriptor.digest;
  const RECORDS: readonly [string, string, (layout: Layout) => string][] = [
    ["a tag", "1.0", ({ tag }) => tag("app", parseTag("1.0"))],
    ["a manifest", DIGEST, ({ manifest }) => manifest("app", DIGEST)],
  ];
  for (const [what, reference, fileOf] of RECORDS) {
    it(`may be a folder in the place of ${what}: unknown, told by check, and healed when it is removed`, async (context) => {
      const served = await serveBlob(context, 5000);
      const file = fileOf(layoutOf(served.root));
      rmSync(file);
      mkdirSync(join(file, "precious"), { recursive: true });
      const path = `/v2/app/manifests/${reference}`;
      const { mediaType } = IMAGE.manifest.descriptor;
      const push = { headers: { "Content-Type": mediaType }, body: IMAGE.manifest.bytes };
      const unknown = await ask(served.origin, "GET", path);
      assert.deepEqual([unknown.status, errorOf(unknown).code], [404, "MANIFEST_UNKNOWN"]);
      assert.match(served.reports.join("\n"), /is damaged/);
      assert.equal((await ask(served.origin, "GET", "/v2/app/tags/list")).status, 200);
      for (const [method, options] of [
        ["PUT", push],
        ["DELETE", {}],
      ] as const) {
        const refused = await ask(served.origin, method, path, options);
        assert.deepEqual([method, refused.status, errorOf(refused).code], [method, 503, "UNAVAILABLE"]);
      }
      const problems: string[] = [];
      for await (const { what: name, problem } of checkData(served.root))
        if (problem) problems.push(`${name}: ${problem}`);
      assert.match(problems.join("\n"), new RegExp(`^${what.slice(2)} .*app.*`));
      assert.deepEqual(readdirSync(file), ["precious"]);
      rmSync(file, { recursive: true });
      assert.equal((await ask(served.origin, "PUT", path, push)).status, 201);
      assert.equal((await ask(served.origin, "GET", path)).status, 200);
    });
  }

  it("would be served as whole if the store did not look: the negative control", async (context) => {
    const served = await serveBlob(context, 5000);
    writeFileSync(served.file, flipped(served.blob, 7));
    const careless: Registry = {
      ...served.registry,
      getBlob: async (_, digest) => ({
        descriptor: { mediaType: "application/octet-stream", digest, size: 5000 },
        range: { start: 0, end: 5000 },
        body: { kind: "bytes", bytes: readFileSync(served.file) },
      }),
    };
    const server = await startServer(careless);
    context.after(() => server.close());
    const { status, body } = await ask(server.origin, "GET", pathOf(served.digest));
    assert.equal(status, 200);
    assert.notEqual(digestOf(body), served.digest);
  });
});
