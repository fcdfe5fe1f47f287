import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RegistryError } from "../registry/errors.ts";
import { MEDIA_TYPES } from "../registry/media-types.ts";
import { readPushedManifest } from "../registry/pushed-manifest.ts";
import { digestOf } from "../registry/reference.ts";

const EMPTY = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(Buffer.from("{}")), size: 2 };
const IMAGE = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: EMPTY, layers: [EMPTY] };
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [EMPTY] };
const { mediaType: _, ...UNTYPED_IMAGE } = IMAGE;
const { mediaType: __, ...UNTYPED_INDEX } = INDEX;

const bytesOf = (manifest: unknown): Buffer =>
  Buffer.from(typeof manifest === "string" ? manifest : JSON.stringify(manifest));

/** What clients push, and under which type it is stored. */
const TAKEN: readonly [string, unknown, string | undefined, string][] = [
  ["an image", IMAGE, MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociManifest],
  ["an image whose request says nothing", IMAGE, undefined, MEDIA_TYPES.ociManifest],
  ["an image that says nothing either", UNTYPED_IMAGE, undefined, MEDIA_TYPES.ociManifest],
  ["an index that says nothing either", UNTYPED_INDEX, undefined, MEDIA_TYPES.ociIndex],
  ["Docker's image", { ...IMAGE, mediaType: MEDIA_TYPES.dockerManifest }, undefined, MEDIA_TYPES.dockerManifest],
  ["an image without layers", { ...IMAGE, layers: [] }, undefined, MEDIA_TYPES.ociManifest],
  ["an empty list as programs in Go write it", { ...IMAGE, layers: null }, undefined, MEDIA_TYPES.ociManifest],
  ["fields that nobody knows", { ...IMAGE, "org.example": { deep: [1] } }, undefined, MEDIA_TYPES.ociManifest],
  ["content in its descriptor", { ...IMAGE, config: { ...EMPTY, data: "e30=" } }, undefined, MEDIA_TYPES.ociManifest],
  [
    "a type that nobody knows",
    { schemaVersion: 2, layers: "mine" },
    "application/vnd.example+json",
    "application/vnd.example+json",
  ],
  ["one key in two objects", '{"schemaVersion":2,"a":{"b":1},"c":{"b":1}}', "application/x", "application/x"],
  ["brackets and quotes in a text", '{"schemaVersion":2,"a":"[{\\"a\\":","b":"]"}', "application/x", "application/x"],
];

/** What is refused, and what the refusal speaks of. */
const REFUSED: readonly [string, unknown, string | undefined, RegExp][] = [
  ["a text with a byte order mark", `\ufeff${JSON.stringify(IMAGE)}`, MEDIA_TYPES.ociManifest, /not JSON/],
  ["no JSON", "{", MEDIA_TYPES.ociManifest, /not JSON/],
  ["nothing", "", MEDIA_TYPES.ociManifest, /not JSON/],
  ["bytes that are no text", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]).toString("latin1"), "a/b", /not JSON|schema/],
  ["a list", "[]", MEDIA_TYPES.ociManifest, /not a JSON object/],
  ["null", "null", MEDIA_TYPES.ociManifest, /not a JSON object/],
  ["a key twice", '{"schemaVersion":2,"config":1,"config":2}', "a/b", /"config" occurs twice/],
  ["a key twice, once escaped", '{"a":{"layers":1,"layer\\u0073":2}}', "a/b", /"layers" occurs twice/],
  ["33 levels", `${"[".repeat(33)}${"]".repeat(33)}`, "a/b", /deeper/],
  ["20,000 levels", `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "a/b", /deeper/],
  ["another type than the request's", IMAGE, MEDIA_TYPES.dockerManifest, /Content-Type/],
  ["an index that is said to be an image", UNTYPED_INDEX, MEDIA_TYPES.ociManifest, /has no manifests/],
  ["an image that is said to be an index", UNTYPED_IMAGE, MEDIA_TYPES.ociIndex, /has no config/],
  ["both in one", { ...INDEX, layers: [], config: EMPTY }, undefined, /has no config/],
  ["neither", { schemaVersion: 2 }, undefined, /Content-Type/],
  ["no media type", IMAGE, "nonsense", /media type/],
  ["with Layers beside layers", { ...IMAGE, Layers: [] }, undefined, /"Layers", which others read as "layers"/],
  ["with a long s in layers", { ...IMAGE, "layer\u017f": [] }, undefined, /others read as "layers"/],
  [
    "with a Digest in a descriptor",
    { ...IMAGE, config: { ...EMPTY, Digest: "x" } },
    undefined,
    /its config has a field/,
  ],
  ["schema 1", { schemaVersion: 1, name: "a" }, "application/vnd.docker.distribution.manifest.v1+json", /schema 1/],
  ["signed schema 1", {}, "application/vnd.docker.distribution.manifest.v1+prettyjws", /schema 1/],
  ["schema 3", { ...IMAGE, schemaVersion: 3 }, undefined, /schemaVersion/],
  ['schema "2"', { ...IMAGE, schemaVersion: "2" }, undefined, /schemaVersion/],
  ["a media type that is a number", { ...IMAGE, mediaType: 5 }, undefined, /mediaType/],
  ["layers that are no list", { ...IMAGE, layers: {} }, undefined, /layers is not a list/],
  ["a layer that is a text", { ...IMAGE, layers: ["x"] }, undefined, /layers\[0\]/],
  ["no config", { ...IMAGE, config: null }, undefined, /config is not a descriptor/],
  ["a digest that is none", { ...IMAGE, config: { ...EMPTY, digest: "sha256:x" } }, undefined, /digest of its config/],
  ["a negative size", { ...IMAGE, config: { ...EMPTY, size: -1 } }, undefined, /size of its config/],
  ["half a byte", { ...IMAGE, config: { ...EMPTY, size: 1.5 } }, undefined, /size of its config/],
  ["a size that is a text", { ...IMAGE, config: { ...EMPTY, size: "2" } }, undefined, /size of its config/],
  ["a subject that is a text", { ...IMAGE, subject: "sha256:x" }, undefined, /subject/],
  ["annotations that are numbers", { ...IMAGE, annotations: { a: 1 } }, undefined, /annotations/],
  ["an artifactType that is a list", { ...IMAGE, artifactType: [] }, undefined, /artifactType/],
  ["urls that are a text", { ...IMAGE, layers: [{ ...EMPTY, urls: "http://x" }] }, undefined, /urls/],
  ["other data than the digest's", { ...IMAGE, config: { ...EMPTY, data: "e3s=" } }, undefined, /data of its config/],
];

describe("a manifest that is pushed", () => {
  for (const [title, manifest, given, stored] of TAKEN) {
    it(`may be ${title}`, () => {
      assert.equal(readPushedManifest(bytesOf(manifest), given).mediaType, stored);
    });
  }

  for (const [title, manifest, given, reason] of REFUSED) {
    it(`may not be ${title}`, () => {
      assert.throws(
        () => readPushedManifest(bytesOf(manifest), given),
        (error) =>
          error instanceof RegistryError && error.code === "MANIFEST_INVALID" && reason.test(error.detail ?? ""),
      );
    });
  }

  it("of 4 MiB with long texts is read", () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 390 }, (_, index) => [`k${index}`, "x".repeat(10_000)]),
    );
    assert.equal(readPushedManifest(bytesOf({ ...IMAGE, annotations }), undefined).mediaType, MEDIA_TYPES.ociManifest);
  });
});
