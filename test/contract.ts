import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closeBody, readAll, streamOf } from "../registry/content.ts";
import { digestOf, parseDigest, parseTag } from "../registry/reference.ts";
import type { ByteRange, Registry } from "../registry/registry.ts";
import { chunksOf, pushBlob, pushImage, type TestImage, testImage } from "./support/images.ts";
import { refuses } from "./support/refuses.ts";
import { all } from "./support/world.ts";

/** A registry under test, fresh and alone, holding the given images. */
export interface Subject {
  readonly registry: Registry;
  close(): Promise<void>;
}

const IMAGES = [
  testImage("hello", "1.0", ["one", "two"]),
  testImage("hello", "latest", ["one", "three"]),
  testImage("team/app/web", "2.1", ["four"]),
  testImage("team/app/web", "Beta", ["five"]),
  testImage("team/app/web", "_x", ["six"]),
];
const [HELLO] = IMAGES as [TestImage, ...TestImage[]];
const NOWHERE = digestOf(Buffer.from("in no registry"));

/**
 * What is asked of every registry: of the stores, and of the server over HTTP. A registry that cannot be written to is
 * asked to refuse.
 */
export function testRegistry(
  name: string,
  create: (images: readonly TestImage[]) => Promise<Subject>,
  { writable }: { writable: boolean },
): void {
  const test = (title: string, check: (registry: Registry) => Promise<void>, images = IMAGES): void => {
    it(title, async () => {
      const { registry, close } = await create(images);
      try {
        await check(registry);
      } finally {
        await close();
      }
    });
  };

  describe(`${name} as a registry`, () => {
    describe("reading", () => testReading(test));
    describe("listing", () => testListing(test));
    if (writable) describe("writing", () => testWriting(test));
    else describe("refusing", () => testRefusing(test));
  });
}

type Test = (title: string, check: (registry: Registry) => Promise<void>, images?: TestImage[]) => void;

function testReading(test: Test): void {
  test("getManifest() gives the stored bytes by tag and by digest", async (registry) => {
    for (const { repository, tag, manifest } of IMAGES) {
      for (const reference of [parseTag(tag), manifest.descriptor.digest]) {
        const { descriptor, bytes } = await registry.getManifest(repository, reference);
        assert.deepEqual(Buffer.from(bytes), Buffer.from(manifest.bytes));
        assert.deepEqual(descriptor, manifest.descriptor);
        assert.deepEqual(await registry.statManifest(repository, reference), manifest.descriptor);
      }
    }
  });

  test("getBlob() gives the bytes of config and layers, twice alike", async (registry) => {
    for (const { repository, config, layers } of IMAGES) {
      for (const blob of [config, ...layers, config]) {
        const digest = digestOf(blob);
        assert.deepEqual(await blobOf(registry, repository, digest), blob);
        const { size, digest: described } = await registry.statBlob(repository, digest);
        assert.deepEqual({ size, described }, { size: blob.length, described: digest });
      }
    }
  });

  test("getBlob() of a range gives only that range, and the size of the whole", async (registry) => {
    const digest = digestOf(HELLO.config);
    const { length } = HELLO.config;
    const ranges: [ByteRange, number, number][] = [
      [{ start: 0, end: 1 }, 0, 1],
      [{ start: 5, end: 20 }, 5, 20],
      [{ start: 5 }, 5, length],
      [{ start: length - 1 }, length - 1, length],
      [{ start: 3, end: length + 100 }, 3, length],
      [{ suffix: 7 }, length - 7, length],
      [{ suffix: length + 7 }, 0, length],
    ];
    for (const [range, start, end] of ranges) {
      const content = await registry.getBlob("hello", digest, { range });
      assert.deepEqual(content.range, { start, end });
      assert.equal(content.descriptor.size, length);
      assert.deepEqual(await readAll(streamOf(content.body)), HELLO.config.subarray(start, end));
    }
  });

  test("getBlob() refuses a range that no byte fits", async (registry) => {
    const digest = digestOf(HELLO.config);
    for (const range of [{ start: HELLO.config.length }, { start: 9, end: 4 }, { suffix: 0 }]) {
      await refuses("RANGE_INVALID", () => registry.getBlob("hello", digest, { range }));
    }
  });

  test("a body that is not read can be closed", async (registry) => {
    for (const layer of HELLO.layers) {
      const { body } = await registry.getBlob("hello", digestOf(layer));
      await closeBody(body);
      await closeBody(body);
    }
  });

  test("a blob is only readable in a repository that holds it", async (registry) => {
    const digest = digestOf(HELLO.config);
    await refuses("BLOB_UNKNOWN", () => registry.getBlob("team/app/web", digest));
    await refuses("BLOB_UNKNOWN", () => registry.statBlob("team/app/web", digest));
  });

  test("what is not there is refused with what is missing", async (registry) => {
    await refuses("NAME_UNKNOWN", () => registry.getManifest("nobody", parseTag("latest")));
    await refuses("NAME_UNKNOWN", () => registry.statManifest("team/app", parseTag("2.1")));
    await refuses("NAME_UNKNOWN", () => registry.getBlob("nobody", NOWHERE));
    await refuses("NAME_UNKNOWN", () => registry.statBlob("nobody", NOWHERE));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", parseTag("beta")));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", NOWHERE));
    await refuses("MANIFEST_UNKNOWN", () => registry.statManifest("hello", NOWHERE));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("team/app/web", HELLO.manifest.descriptor.digest));
    await refuses("BLOB_UNKNOWN", () => registry.getBlob("hello", NOWHERE));
    await refuses("BLOB_UNKNOWN", () => registry.statBlob("hello", NOWHERE));
  });

  test("a digest of an algorithm that nobody here knows is unknown, not wrong", async (registry) => {
    await refuses("BLOB_UNKNOWN", () => registry.getBlob("hello", parseDigest("blake3:abc")));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", parseDigest("sha384+b64:abc=")));
  });
}

function testListing(test: Test): void {
  test("listRepositories() gives each once, in byte order", async (registry) => {
    assert.deepEqual(await all(registry.listRepositories()), ["hello", "team/app/web"]);
    assert.deepEqual(await all(registry.listRepositories({ after: "hello" })), ["team/app/web"]);
    assert.deepEqual(await all(registry.listRepositories({ after: "never/there" })), ["team/app/web"]);
    assert.deepEqual(await all(registry.listRepositories({ after: "zzz" })), []);
  });

  test("listTags() gives each once, in byte order", async (registry) => {
    assert.deepEqual(await all(registry.listTags("team/app/web")), ["2.1", "Beta", "_x"]);
    assert.deepEqual(await all(registry.listTags("team/app/web", { after: "2.1" })), ["Beta", "_x"]);
    assert.deepEqual(await all(registry.listTags("team/app/web", { after: "Alpha" })), ["Beta", "_x"]);
    assert.deepEqual(await all(registry.listTags("team/app/web", { after: "_x" })), []);
    await refuses("NAME_UNKNOWN", all(registry.listTags("nobody")));
  });

  test("listReferrers() knows none of what nobody refers to", async (registry) => {
    assert.deepEqual(await all(registry.listReferrers("hello", HELLO.manifest.descriptor.digest)), []);
    assert.deepEqual(await all(registry.listReferrers("nobody", NOWHERE)), []);
  });

  test(
    "an empty registry lists nothing",
    async (registry) => {
      assert.deepEqual(await all(registry.listRepositories()), []);
    },
    [],
  );
}

function testRefusing(test: Test): void {
  test("every method that writes is refused with UNSUPPORTED", async (registry) => {
    const { descriptor, bytes } = HELLO.manifest;
    await refuses("UNSUPPORTED", registry.startUpload("hello"));
    await refuses("UNSUPPORTED", registry.resumeUpload("hello", "some-session"));
    await refuses("UNSUPPORTED", registry.mountBlob("new", digestOf(HELLO.config), { from: "hello" }));
    await refuses("UNSUPPORTED", registry.pushManifest("hello", { ...descriptor, bytes }, [parseTag("new")]));
    await refuses("UNSUPPORTED", registry.deleteBlob("hello", digestOf(HELLO.config)));
    await refuses("UNSUPPORTED", registry.deleteManifest("hello", descriptor.digest));
    await refuses("UNSUPPORTED", registry.deleteTag("hello", parseTag("1.0")));
  });
}

function testWriting(test: Test): void {
  const blob = Buffer.from("some bytes that are pushed");
  const digest = digestOf(blob);

  test("a blob is readable once it is committed, and not before", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await upload.append({ body: chunksOf(blob.subarray(0, 10)) });
    await upload.append({ body: chunksOf(blob.subarray(10)), start: 10 });
    assert.equal(upload.size, blob.length);
    await assert.rejects(async () => registry.getBlob("new/one", digest));
    assert.equal((await upload.commit(digest)).digest, digest);
    assert.deepEqual(await blobOf(registry, "new/one", digest), blob);
    await refuses("BLOB_UPLOAD_UNKNOWN", registry.resumeUpload("new/one", upload.id));
  });

  test("an upload goes on where it was, also for somebody else", async (registry) => {
    const first = await registry.startUpload("new/one");
    await first.append({ body: chunksOf(blob.subarray(0, 10)) });
    const second = await registry.resumeUpload("new/one", first.id);
    assert.equal(second.size, 10);
    await second.append({ body: chunksOf(blob.subarray(10)), start: 10 });
    await second.commit(digest);
    assert.deepEqual(await blobOf(registry, "new/one", digest), blob);
  });

  test("append() refuses a gap and leaves the upload as it was", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await upload.append({ body: chunksOf(blob.subarray(0, 10)) });
    await refuses("RANGE_INVALID", upload.append({ body: chunksOf(blob.subarray(12)), start: 12 }));
    await refuses("RANGE_INVALID", upload.append({ body: chunksOf(blob.subarray(0, 10)), start: 0 }));
    await upload.append({ body: chunksOf(blob.subarray(10)), start: 10 });
    await upload.commit(digest);
    assert.deepEqual(await blobOf(registry, "new/one", digest), blob);
  });

  test("commit() refuses other bytes than the digest's", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await upload.append({ body: chunksOf(blob) });
    await refuses("DIGEST_INVALID", upload.commit(NOWHERE));
    await assert.rejects(async () => registry.statBlob("new/one", NOWHERE));
  });

  test("commit() adds the last piece, and with a wrong digest leaves the upload as it was", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await upload.append({ body: chunksOf(blob.subarray(0, 10)) });
    const last = { start: 10, end: blob.length };
    await refuses("DIGEST_INVALID", upload.commit(NOWHERE, { body: chunksOf(blob.subarray(10)), ...last }));
    await refuses(
      "RANGE_INVALID",
      upload.commit(digest, { body: chunksOf(blob.subarray(12)), start: 12, end: blob.length }),
    );
    assert.equal((await registry.resumeUpload("new/one", upload.id)).size, 10);
    await upload.commit(digest, { body: chunksOf(blob.subarray(10)), ...last });
    assert.deepEqual(await blobOf(registry, "new/one", digest), blob);
  });

  test("append() refuses a body that is longer or shorter than was said, and keeps nothing of it", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await refuses("RANGE_INVALID", upload.append({ body: chunksOf(blob), start: 0, end: blob.length - 1 }));
    await refuses("RANGE_INVALID", upload.append({ body: chunksOf(blob), start: 0, end: blob.length + 1 }));
    await upload.append({ body: chunksOf(blob), start: 0, end: blob.length });
    await upload.commit(digest);
    assert.deepEqual(await blobOf(registry, "new/one", digest), blob);
  });

  test("a cancelled upload is gone", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await upload.append({ body: chunksOf(blob) });
    await upload.cancel();
    await refuses("BLOB_UPLOAD_UNKNOWN", registry.resumeUpload("new/one", upload.id));
    await refuses("BLOB_UPLOAD_UNKNOWN", registry.resumeUpload("hello", "no-such-session"));
  });

  test("sha512 works like sha256", async (registry) => {
    const long = digestOf(blob, "sha512");
    const upload = await registry.startUpload("new/one", { algorithm: "sha512" });
    await upload.append({ body: chunksOf(blob) });
    await upload.commit(long);
    assert.deepEqual(await blobOf(registry, "new/one", long), blob);
  });

  test("an upload belongs to its repository", async (registry) => {
    const upload = await registry.startUpload("new/one");
    await refuses("BLOB_UPLOAD_UNKNOWN", registry.resumeUpload("hello", upload.id));
  });

  test("mountBlob() makes a blob readable elsewhere", async (registry) => {
    const config = digestOf(HELLO.config);
    await registry.mountBlob("new/one", config, { from: "hello" });
    assert.deepEqual(await blobOf(registry, "new/one", config), HELLO.config);
    await registry.mountBlob("new/two", config);
    assert.deepEqual(await blobOf(registry, "new/two", config), HELLO.config);
    await refuses("BLOB_UNKNOWN", registry.mountBlob("new/one", NOWHERE, { from: "hello" }));
    await refuses("BLOB_UNKNOWN", registry.mountBlob("new/one", digest, { from: "nobody" }));
  });

  test("a tag can be moved, and its old manifest stays", async (registry) => {
    const moved = testImage("hello", "1.0", ["another"]);
    await pushImage(registry, moved);
    const { descriptor } = await registry.getManifest("hello", parseTag("1.0"));
    assert.equal(descriptor.digest, moved.manifest.descriptor.digest);
    await registry.getManifest("hello", HELLO.manifest.descriptor.digest);
  });

  test("pushManifest() refuses what could not be pulled whole, and stores nothing of it", async (registry) => {
    const { bytes, descriptor } = HELLO.manifest;
    const { mediaType, digest: target } = descriptor;
    await refuses("MANIFEST_BLOB_UNKNOWN", registry.pushManifest("new/one", { mediaType, bytes }, [parseTag("1")]));
    await assert.rejects(async () => registry.getManifest("new/one", target));
    const falseSize = Buffer.from(
      bytes.toString().replace(`"size":${HELLO.config.length}`, `"size":${HELLO.config.length + 1}`),
    );
    await refuses(
      "MANIFEST_INVALID",
      registry.pushManifest("hello", { mediaType, bytes: falseSize }, [parseTag("1.0")]),
    );
    assert.equal((await registry.statManifest("hello", parseTag("1.0"))).digest, target);
  });

  test("pushManifest() lets nobody give stored bytes another media type", async (registry) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, note: "says nothing of its type" }));
    const digest = digestOf(bytes);
    await registry.pushManifest("hello", { mediaType: "application/vnd.example.a+json", bytes, digest });
    await refuses("MANIFEST_INVALID", registry.pushManifest("hello", { mediaType: "text/plain", bytes, digest }));
    assert.equal((await registry.statManifest("hello", digest)).mediaType, "application/vnd.example.a+json");
    await registry.deleteManifest("hello", digest);
    await registry.pushManifest("hello", { mediaType: "application/vnd.example.b+json", bytes, digest });
  });

  test("pushManifest() wants a manifest where clients will ask for one, and a blob where for a blob", async (registry) => {
    const { bytes, descriptor } = HELLO.manifest;
    for (const { config, layers } of [HELLO])
      for (const part of [config, ...layers]) await pushBlob(registry, "new/one", part);
    await pushBlob(registry, "new/one", Buffer.from(bytes));
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [descriptor] }));
    const tag = [parseTag("all")];
    await refuses("MANIFEST_BLOB_UNKNOWN", registry.pushManifest("new/one", { mediaType, bytes: index }, tag));
    await registry.pushManifest("new/one", { mediaType: descriptor.mediaType, bytes }, tag);
    await registry.pushManifest("new/one", { mediaType, bytes: index }, tag);
  });

  test("pushManifest() by a digest that is not its own is refused", async (registry) => {
    const { bytes, descriptor } = HELLO.manifest;
    const wrong = { mediaType: descriptor.mediaType, bytes, digest: NOWHERE };
    await refuses("DIGEST_INVALID", registry.pushManifest("hello", wrong));
    await refuses(
      "MANIFEST_INVALID",
      registry.pushManifest("hello", { ...NOT_JSON, digest: digestOf(NOT_JSON.bytes) }),
    );
  });

  test("listReferrers() gives the manifests that have the subject in byte order, by type", async (registry) => {
    const subject = HELLO.manifest.descriptor;
    await pushBlob(registry, "hello", Buffer.from("{}"));
    const signature = referrer("application/vnd.example.signature", subject.digest);
    const sbom = referrer("application/vnd.example.sbom+json", subject.digest);
    for (const pushed of [signature, sbom]) {
      assert.equal((await registry.pushManifest("hello", pushed)).subject, subject.digest);
    }
    const [first = NOWHERE, second = NOWHERE] = [signature.digest, sbom.digest].sort();
    const digestsAfter = async (after: string) =>
      (await all(registry.listReferrers("hello", subject.digest, { after }))).map(({ digest }) => digest);
    assert.deepEqual(await digestsAfter(""), [first, second]);
    assert.deepEqual(await digestsAfter(first), [second]);
    assert.deepEqual(await digestsAfter(second), []);
    const options = { artifactTypes: ["application/vnd.example.sbom+json"] };
    const [only, ...others] = await all(registry.listReferrers("hello", subject.digest, options));
    assert.deepEqual(others, []);
    assert.equal(only?.digest, sbom.digest);
    assert.equal(only?.artifactType, "application/vnd.example.sbom+json");
    assert.deepEqual(only?.annotations, { "org.example.note": "for a test" });
    assert.deepEqual(await all(registry.listReferrers("team/app/web", subject.digest)), []);
  });

  test("deleteTag() leaves the manifest, deleteManifest() takes its tags along", async (registry) => {
    const { digest: target } = HELLO.manifest.descriptor;
    await registry.deleteTag("hello", parseTag("1.0"));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", parseTag("1.0")));
    await registry.getManifest("hello", target);
    await pushImage(registry, HELLO);
    await registry.deleteManifest("hello", target);
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", target));
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("hello", parseTag("1.0")));
    assert.deepEqual(await all(registry.listTags("hello")), ["latest"]);
    await refuses("MANIFEST_UNKNOWN", registry.deleteTag("hello", parseTag("1.0")));
    await refuses("MANIFEST_UNKNOWN", registry.deleteManifest("hello", target));
    await refuses("NAME_UNKNOWN", registry.deleteManifest("nobody", target));
  });

  test("what a manifest is made of cannot be deleted before it", async (registry) => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const { digest: child } = HELLO.manifest.descriptor;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [HELLO.manifest.descriptor] }));
    await registry.pushManifest("hello", { mediaType, bytes }, [parseTag("all")]);
    await refuses("UNSUPPORTED", registry.deleteManifest("hello", child));
    await refuses("UNSUPPORTED", registry.deleteBlob("hello", digestOf(HELLO.config)));
    await registry.getManifest("hello", parseTag("1.0"));
    await registry.deleteManifest("hello", digestOf(bytes));
    await registry.deleteManifest("hello", child);
    await registry.deleteBlob("hello", digestOf(HELLO.layers[1] ?? blob));
  });

  test("deleteBlob() takes a blob out of one repository", async (registry) => {
    await pushBlob(registry, "hello", blob);
    await registry.mountBlob("team/app/web", digest, { from: "hello" });
    await registry.deleteBlob("hello", digest);
    await refuses("BLOB_UNKNOWN", () => registry.statBlob("hello", digest));
    await refuses("BLOB_UNKNOWN", registry.deleteBlob("hello", digest));
    assert.deepEqual(await blobOf(registry, "team/app/web", digest), blob);
  });
}

const NOT_JSON = { mediaType: "application/vnd.oci.image.manifest.v1+json", bytes: Buffer.from("not json") };

function referrer(artifactType: string, subject: string) {
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      artifactType,
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(Buffer.from("{}")), size: 2 },
      layers: [],
      subject: { mediaType, digest: subject, size: 1 },
      annotations: { "org.example.note": "for a test" },
    }),
  );
  return { mediaType, bytes, digest: digestOf(bytes) };
}

async function blobOf(registry: Registry, repository: string, digest: ReturnType<typeof digestOf>): Promise<Buffer> {
  const { body } = await registry.getBlob(repository, digest);
  return readAll(streamOf(body));
}
