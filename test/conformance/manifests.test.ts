import assert from "node:assert/strict";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { digestOf } from "../../registry/reference.ts";
import { openDataStore } from "../../registry/store/data/data-store.ts";
import { layoutOf } from "../../registry/store/data/layout.ts";
import { pushBlob, testImage } from "../support/images.ts";
import { memoryFolder } from "../support/power-disk.ts";
import { serveDataAgain } from "../support/serve-data.ts";
import {
  type Client,
  clientOf,
  descriptorOf,
  EMPTY,
  imageOf,
  indexOf,
  type Manifest,
  manifestOf,
  referrerOf,
} from "./client.ts";
import { serve } from "./served.ts";

const NOWHERE = digestOf(Buffer.from("in no registry"));
const CONFIG = descriptorOf(EMPTY, "application/vnd.oci.image.config.v1+json");
const raw = (text: string | Buffer, mediaType: string = MEDIA_TYPES.ociManifest): Manifest => {
  const bytes = Buffer.from(text);
  return { mediaType, bytes, digest: digestOf(bytes) };
};
const image = (more: Record<string, unknown> = {}): Manifest => manifestOf({ config: CONFIG, layers: [], ...more });
const text = image().bytes.toString();
const MANY = Array.from({ length: 10_000 }, (_, index) => `layer ${10_000 + index}`);

/** What is pushed where the empty blob is, and what it is answered. Other registries take, or fall over, some of these. */
const ODD: Record<string, readonly [Manifest, number, string?]> = {
  "an image": [image(), 201],
  "broken JSON": [raw("{"), 400, "MANIFEST_INVALID"],
  "no bytes at all": [raw(""), 400, "MANIFEST_INVALID"],
  null: [raw("null"), 400, "MANIFEST_INVALID"],
  "a list": [raw("[]"), 400, "MANIFEST_INVALID"],
  "a string": [raw('"manifest"'), 400, "MANIFEST_INVALID"],
  "bytes that are not UTF-8": [raw(Buffer.from([0x7b, 0xff, 0x7d])), 400, "MANIFEST_INVALID"],
  "JSON that is 20,000 deep": [raw(`{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`), 400, "MANIFEST_INVALID"],
  "a key that stands twice": [raw(text.replace("{", '{"config":{},')), 400, "MANIFEST_INVALID"],
  "a key that stands twice, once escaped": [raw(text.replace("{", '{"\\u0063onfig":{},')), 400, "MANIFEST_INVALID"],
  "schema 1": [
    raw('{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json"),
    400,
    "MANIFEST_INVALID",
  ],
  "the types of Docker": [image({ mediaType: MEDIA_TYPES.dockerManifest }), 201],
  "a list of Docker": [indexOf([], { mediaType: MEDIA_TYPES.dockerList }), 201],
  "an image that is an index, too": [image({ manifests: [] }), 400, "MANIFEST_INVALID"],
  "an index that is an image, too": [indexOf([], { layers: [] }), 400, "MANIFEST_INVALID"],
  "a header that says something else": [raw(text, MEDIA_TYPES.ociIndex), 400, "MANIFEST_INVALID"],
  "no header, but a type of its own": [raw(text, ""), 201],
  "no header and no type, but the form of an image": [raw(text.replace(/"mediaType":"[^"]*",/, ""), ""), 201],
  "no header and nothing to tell it by": [raw('{"schemaVersion":2}', ""), 400, "MANIFEST_INVALID"],
  "a type that nobody knows": [raw('{"anything":[1,2]}', "application/vnd.example.thing+json"), 201],
  "a type that is none": [raw("{}", "nonsense"), 400, "MANIFEST_INVALID"],
  "a layer that is missing": [imageOf({ config: EMPTY, layers: ["missing"] }), 400, "MANIFEST_BLOB_UNKNOWN"],
  "a config that is missing": [imageOf({ config: "missing", layers: [] }), 400, "MANIFEST_BLOB_UNKNOWN"],
  "an image of an index that is missing": [
    indexOf([imageOf({ config: "x", layers: [] })]),
    400,
    "MANIFEST_BLOB_UNKNOWN",
  ],
  "10,000 layers that are missing": [imageOf({ config: EMPTY, layers: MANY }), 400, "MANIFEST_BLOB_UNKNOWN"],
  "one layer 20,000 times": [imageOf({ config: EMPTY, layers: Array(20_000).fill(EMPTY) }), 201],
  // An index that names itself, or others in a circle, would have to begin so.
  "an index of an index that is missing": [indexOf([indexOf([])]), 400, "MANIFEST_BLOB_UNKNOWN"],
  "a part with another size": [image({ config: { ...CONFIG, size: 3 } }), 400, "MANIFEST_INVALID"],
  "a subject that is missing": [referrerOf(imageOf({ config: "x", layers: [] }), {}), 201],
  "a subject that is no descriptor": [image({ subject: "sha256:abc" }), 400, "MANIFEST_INVALID"],
};

describe("a manifest that is odd", () => {
  const served = serve();

  for (const [title, [manifest, status, code]] of Object.entries(ODD)) {
    it(`is answered with ${status}: ${title}`, async () => {
      const client = served.client("odd");
      await client.pushBlob(EMPTY);
      const { mediaType, bytes } = manifest;
      const sent = { body: bytes, headers: mediaType === "" ? {} : { "Content-Type": mediaType } };
      for (const chunked of [true, false]) {
        const expected = { status, ...(code === undefined ? {} : { code }) };
        await client.expect("PUT", "manifests/odd", expected, { ...sent, chunked });
        await client.expect("PUT", `manifests/${manifest.digest}`, expected, { ...sent, chunked });
      }
      if (status === 201) await client.expect("GET", `manifests/${manifest.digest}`, { status: 200, body: bytes });
    });
  }

  it("is answered with 201: 10,000 layers that are there", async (context) => {
    const root = memoryFolder();
    context.after(() => rmSync(root, { recursive: true }));
    const folder = join(root, "images");
    mkdirSync(folder);
    const layout = layoutOf(join(root, "data"));
    const store = await openDataStore(layout.root, { sync: false });
    await pushBlob(store.registry, "many", Buffer.from(EMPTY));
    await store.close();
    // To push them would take ten times as long. They share one file, because nobody reads them here.
    const file = join(root, "layer");
    writeFileSync(file, MANY[0] ?? "");
    for (const layer of MANY) {
      const digest = digestOf(Buffer.from(layer));
      mkdirSync(dirname(layout.blob(digest)), { recursive: true });
      linkSync(file, layout.blob(digest));
      writeFileSync(layout.membership("many", digest, layer.length), "");
    }
    const { origin } = await serveDataAgain(context, { folder, data: layout.root }, "--no-sync");
    const client = clientOf(origin, "many");
    const { bytes, mediaType } = imageOf({ config: EMPTY, layers: MANY });
    const sent = { body: bytes, headers: { "Content-Type": mediaType } };
    await client.expect("PUT", "manifests/1", { status: 201 }, sent);
    await client.expect("GET", "manifests/1", { status: 200, body: bytes });
  });

  it("is stored under no digest but its own", async () => {
    const client = served.client("odd/digest");
    const { bytes, mediaType } = await client.pushImage();
    const headers = { "Content-Type": mediaType };
    for (const digest of [NOWHERE, "sha256:baddigeststring", `sha384:${"a".repeat(96)}`, `md5:${"a".repeat(32)}`]) {
      await client.expect(
        "PUT",
        `manifests/${digest}`,
        { status: 400, code: "DIGEST_INVALID" },
        { body: bytes, headers },
      );
      assert.ok([400, 404].includes((await client.send("GET", `manifests/${digest}`)).status), digest);
    }
  });

  it("leaves a tag as it was when it is refused", async () => {
    const client = served.client("odd/tag");
    const { digest } = await client.pushImage("1");
    for (const manifest of [raw("{"), imageOf({ config: "missing", layers: [] })]) {
      assert.equal((await client.pushManifest(manifest, "1")).status, 400);
      await client.expect("HEAD", "manifests/1", { status: 200, headers: { "docker-content-digest": digest } });
    }
  });

  it("that a tag has left can still be had by its digest", async () => {
    const client = served.client("odd/moved");
    const first = await client.pushImage("1", "first");
    const second = await client.pushImage("1", "second");
    await client.expect("GET", "manifests/1", { status: 200, body: second.bytes });
    await client.expect("GET", `manifests/${first.digest}`, { status: 200, body: first.bytes });
  });

  it("is no blob, and a blob is no manifest", async () => {
    const client = served.client("odd/kinds");
    const { digest, layer } = await client.pushImage("1");
    await client.expect("GET", `manifests/${digestOf(layer)}`, { status: 404, code: "MANIFEST_UNKNOWN" });
    await client.expect("GET", `blobs/${digest}`, { status: 404, code: "BLOB_UNKNOWN" });
  });
});

describe("a registry that takes partial copies (--allow-sparse)", () => {
  const served = serve({ options: ["--no-sync", "--allow-sparse"] });

  it("takes an index without its images, an image without its layers, and a part with the right size only", async () => {
    const client = served.client("sparse");
    const missing = imageOf({ config: "missing", layers: ["missing, too"] });
    for (const manifest of [missing, indexOf([imageOf({ config: "nowhere", layers: [] }), missing])]) {
      assert.equal((await client.pushManifest(manifest)).status, 201);
      await client.expect("GET", `manifests/${manifest.digest}`, { status: 200, body: manifest.bytes });
    }
    await client.pushBlob(EMPTY);
    assert.equal((await client.pushManifest(image({ config: { ...CONFIG, size: 3 } }))).status, 400);
  });
});

/** An index with one image under the tag `all`, and what each can be deleted by. */
async function pushIndex(client: Client) {
  const child = await client.pushImage();
  const index = indexOf([child]);
  assert.equal((await client.pushManifest(index, "all")).status, 201);
  return { child, index, layer: digestOf(child.layer) };
}

const DROPPED = testImage("delete/dropped", "1", ["dropped"]);

describe("deleting what is in use", () => {
  const served = serve({ images: [DROPPED] });
  const refused = { status: 405, code: "UNSUPPORTED" };

  it("is refused with 405, and names what uses it, until that is deleted", async () => {
    const client = served.client("delete/used");
    const { child, index, layer } = await pushIndex(client);
    const kept = await client.expect("DELETE", `blobs/${layer}`, refused);
    assert.match(kept.body.toString(), new RegExp(child.digest));
    const keptChild = await client.expect("DELETE", `manifests/${child.digest}`, refused);
    assert.match(keptChild.body.toString(), new RegExp(index.digest));
    for (const path of [`manifests/${index.digest}`, `manifests/${child.digest}`, `blobs/${layer}`]) {
      await client.expect("DELETE", path, { status: 202 });
      await client.expect("DELETE", path, { status: 404 });
    }
  });

  it("is no matter of other repositories", async () => {
    const [one, two] = [served.client("delete/one"), served.client("delete/two")];
    const { child, layer } = await pushIndex(two);
    await one.expect("POST", `blobs/uploads/?mount=${layer}&from=delete/two`, { status: 201 });
    await one.expect("DELETE", `blobs/${layer}`, { status: 202 });
    await two.expect("GET", `blobs/${layer}`, { status: 200, body: child.layer });
  });

  it("of what comes from the folder of archives is refused as well", async () => {
    const client = served.client("delete/dropped");
    const { digest } = DROPPED.manifest.descriptor;
    for (const path of ["manifests/1", `manifests/${digest}`, `blobs/${digestOf(DROPPED.config)}`]) {
      await client.expect("DELETE", path, refused);
    }
    await client.expect("GET", "manifests/1", { status: 200 });
  });

  it("asks for something that is there", async () => {
    const client = served.client("delete/unknown");
    await client.expect("DELETE", `blobs/${NOWHERE}`, { status: 404, code: "NAME_UNKNOWN" });
    await client.pushImage("1");
    await client.expect("DELETE", `blobs/${NOWHERE}`, { status: 404, code: "BLOB_UNKNOWN" });
    await client.expect("DELETE", `manifests/${NOWHERE}`, { status: 404, code: "MANIFEST_UNKNOWN" });
    await client.expect("DELETE", "blobs/sha256:short", { status: 400, code: "DIGEST_INVALID" });
    await client.expect("DELETE", "manifests/sha256:short", { status: 400, code: "DIGEST_INVALID" });
    await client.expect("DELETE", "manifests/.invalid", { status: 400, code: "TAG_INVALID" });
  });
});

describe("deleting what is in use, where that is allowed (--allow-delete-in-use)", () => {
  const served = serve({ options: ["--no-sync", "--allow-delete-in-use"] });

  it("is 202, and what used it stays", async () => {
    const client = served.client("delete/allowed");
    const { child, index, layer } = await pushIndex(client);
    for (const path of [`blobs/${layer}`, `manifests/${child.digest}`]) {
      await client.expect("DELETE", path, { status: 202 });
      await client.expect("GET", path, { status: 404 });
    }
    await client.expect("GET", "manifests/all", { status: 200, body: index.bytes });
  });
});
