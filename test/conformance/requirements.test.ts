import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { digestOf } from "../../registry/reference.ts";
import { runCommand } from "../support/command.ts";
import { errorOf } from "../support/server.ts";
import {
  type Client,
  descriptorOf,
  digestsIn,
  EMPTY,
  imageOf,
  indexOf,
  type Manifest,
  manifestOf,
  nextOf,
  referrerOf,
} from "./client.ts";
import { serve } from "./served.ts";

/**
 * Every requirement of the distribution specification (1.1 and what its main branch adds) and of the image specification
 * that matters to a registry, numbered in the order of their text. Each is asked of the program over HTTP, in a
 * repository of its own. `requires` is what it asks for, in our words.
 */
interface Requirement {
  /** One check may hold several that say the same of different requests. */
  readonly numbers: readonly number[];
  readonly requires: string;
  readonly holds: (client: Client) => Promise<unknown>;
}

const NUMBERS = 120;

const NOWHERE = digestOf(Buffer.from("in no registry"));
const NO_CONTENT = { headers: { "Content-Length": "0" } };
const blobAt = (name: string, digest: string) => ({
  status: 201,
  headers: { location: `/v2/${name}/blobs/${digest}` },
});
const JSON_ERROR = { "content-type": "application/json" };

const GENERAL: readonly Requirement[] = [
  {
    numbers: [1, 2, 3],
    requires: "every request of pull, push, content discovery and content management is known",
    async holds(client) {
      const { digest, layer } = await client.pushImage("1");
      const blob = digestOf(layer);
      await client.expect("GET", "manifests/1", { status: 200 });
      await client.expect("HEAD", "manifests/1", { status: 200 });
      await client.expect("GET", `blobs/${blob}`, { status: 200 });
      await client.expect("HEAD", `blobs/${blob}`, { status: 200 });
      const session = await client.startUpload();
      await client.expect("GET", session, { status: 204 });
      await client.expect("PATCH", session, { status: 202 }, { body: "x" });
      await client.expect("PUT", `${session}?digest=${digestOf(Buffer.from("x"))}`, { status: 201 });
      await client.expect("DELETE", await client.startUpload(), { status: 204 });
      await client.in(`${client.name}/2`).expect("POST", `blobs/uploads/?mount=${blob}`, { status: 201 });
      await client.expect("GET", "tags/list", { status: 200 });
      await client.expect("GET", `referrers/${digest}`, { status: 200 });
      await client.expect("DELETE", "manifests/1", { status: 202 });
      await client.expect("DELETE", `manifests/${digest}`, { status: 202 });
      await client.expect("DELETE", `blobs/${blob}`, { status: 202 });
    },
  },
  {
    numbers: [4],
    requires: "where it says nothing HTTP holds: HEAD says what GET says, and 405 names the methods",
    async holds(client) {
      const { digest, layer } = await client.pushImage("1");
      const paths = [
        "manifests/1",
        `manifests/${digest}`,
        `blobs/${digestOf(layer)}`,
        "tags/list",
        `referrers/${digest}`,
      ];
      for (const path of [...paths, "/v2/", "/v2/_catalog"]) {
        const [get, head] = [await client.send("GET", path), await client.send("HEAD", path)];
        assert.deepEqual({ ...head.headers, date: "" }, { ...get.headers, date: "" }, path);
        assert.equal(head.body.length, 0, path);
      }
      await client.expect("PATCH", "tags/list", { status: 405, code: "UNSUPPORTED", headers: { allow: "GET, HEAD" } });
    },
  },
  {
    numbers: [6],
    requires: "GET /v2/ is answered with 200",
    holds: (client) => client.expect("GET", "/v2/", { status: 200, headers: { "content-type": "application/json" } }),
  },
  {
    numbers: [9, 10],
    requires: "a repository has a name of the grammar, at most 255 characters long; another one is refused",
    async holds(client) {
      for (const name of ["a", "a/b", "a.b_c__d---e/0", "a/blobs/b", "manifests", "x".repeat(255)]) {
        await client.in(name).expect("POST", "blobs/uploads/", { status: 202 });
      }
      for (const name of [
        "A",
        "a//b",
        "-a",
        "a-",
        "a___b",
        "a..b",
        ".a",
        "a/",
        "a%20b",
        "%C3%A4",
        "a%00b",
        "x".repeat(256),
      ]) {
        await client.in(name).expect("POST", "blobs/uploads/", { status: 400, code: "NAME_INVALID" });
      }
    },
  },
  {
    numbers: [11, 12],
    requires: "a manifest is pushed by a tag of the grammar or by a digest, and by nothing else",
    async holds(client) {
      const image = await client.pushImage("first");
      for (const tag of ["a", "_", "A.b-c_d", "1.0", "x".repeat(128), `sha256-${"a".repeat(64)}.sig`]) {
        assert.equal((await client.pushManifest(image, tag)).status, 201, tag);
      }
      for (const reference of [".a", "-a", "a+b", "a%20b", "%00", "x".repeat(129), "%C3%A4", "a:b", "sha256:abc"]) {
        assert.equal((await client.pushManifest(image, reference)).status, 400, reference);
      }
    },
  },
];

const PULL: readonly Requirement[] = [
  {
    numbers: [14, 16],
    requires: "a manifest comes with the media type that it was pushed with, without parameters",
    async holds(client) {
      const { config, layer } = await client.pushImage();
      for (const mediaType of Object.values({ ...MANIFEST_TYPES, other: "application/vnd.example.thing.v3+json" })) {
        const manifest = mediaType.includes("manifest.v")
          ? imageOf({ config, layers: [layer] }, { mediaType })
          : indexOf([], { mediaType });
        await client.pushManifest(manifest);
        const headers = { "content-type": mediaType };
        await client.expect("GET", `manifests/${manifest.digest}`, { status: 200, headers, body: manifest.bytes });
      }
    },
  },
  {
    numbers: [18, 19],
    requires: "GET of a manifest that exists gives it, with 200 and its digest",
    async holds(client) {
      const { digest, bytes } = await client.pushImage("1");
      const headers = { "docker-content-digest": digest, "content-length": `${bytes.length}` };
      for (const reference of ["1", digest]) {
        await client.expect("GET", `manifests/${reference}`, { status: 200, headers, body: bytes });
      }
    },
  },
  {
    numbers: [23],
    requires: "GET of a manifest that is not in the repository is 404",
    async holds(client) {
      const elsewhere = await client.in(`${client.name}/other`).pushImage("2");
      await client.pushImage("1");
      for (const reference of ["2", ".INVALID_MANIFEST_NAME", NOWHERE, elsewhere.digest]) {
        await client.expect("GET", `manifests/${reference}`, {
          status: 404,
          code: "MANIFEST_UNKNOWN",
          headers: JSON_ERROR,
        });
      }
    },
  },
  {
    numbers: [24, 25],
    requires: "GET of a blob that exists gives it, with 200 and its digest",
    async holds(client) {
      for (const body of ["some bytes", ""]) {
        const digest = await client.pushBlob(body);
        const headers = { "docker-content-digest": digest, "content-type": "application/octet-stream" };
        await client.expect("GET", `blobs/${digest}`, { status: 200, headers, body });
      }
    },
  },
  {
    numbers: [27],
    requires: "GET of a blob that is not in the repository is 404, also when another one has it",
    async holds(client) {
      await client.pushBlob("here");
      const elsewhere = await client.in(`${client.name}/other`).pushBlob("elsewhere");
      for (const digest of [NOWHERE, elsewhere]) {
        await client.expect("GET", `blobs/${digest}`, { status: 404, code: "BLOB_UNKNOWN", headers: JSON_ERROR });
      }
    },
  },
  {
    numbers: [28],
    requires: "a part of a blob can be asked for",
    async holds(client) {
      const path = `blobs/${await client.pushBlob("0123456789")}`;
      for (const [range, part, contentRange] of [
        ["bytes=2-4", "234", "bytes 2-4/10"],
        ["bytes=7-", "789", "bytes 7-9/10"],
        ["bytes=-3", "789", "bytes 7-9/10"],
        ["bytes=8-99", "89", "bytes 8-9/10"],
      ] as const) {
        const headers = { "content-range": contentRange, "content-length": `${part.length}` };
        await client.expect("GET", path, { status: 206, headers, body: part }, { headers: { Range: range } });
      }
      for (const range of ["bytes=10-", "bytes=5-0", "bytes=50-100"]) {
        const expected = { status: 416, code: "RANGE_INVALID", headers: { "content-range": "bytes */10" } };
        await client.expect("GET", path, expected, { headers: { Range: range } });
      }
    },
  },
  {
    numbers: [29, 30, 31],
    requires: "HEAD of a blob or manifest that exists is 200 with its digest and its size",
    async holds(client) {
      const { digest, bytes, layer } = await client.pushImage("1");
      const blob = digestOf(layer);
      for (const [path, own, size] of [
        ["manifests/1", digest, bytes.length],
        [`manifests/${digest}`, digest, bytes.length],
        [`blobs/${blob}`, blob, layer.length],
      ] as const) {
        const headers = { "docker-content-digest": own, "content-length": `${size}` };
        await client.expect("HEAD", path, { status: 200, headers, body: "" });
      }
    },
  },
  {
    numbers: [32],
    requires: "HEAD of what is not there is 404",
    async holds(client) {
      await client.pushImage("1");
      for (const path of ["manifests/2", `manifests/${NOWHERE}`, `blobs/${NOWHERE}`]) {
        await client.expect("HEAD", path, { status: 404, body: "" });
        await client.in("nobody").expect("HEAD", path, { status: 404, body: "" });
      }
    },
  },
];

const MANIFEST_TYPES = {
  image: MEDIA_TYPES.ociManifest,
  index: MEDIA_TYPES.ociIndex,
  dockerImage: MEDIA_TYPES.dockerManifest,
  dockerList: MEDIA_TYPES.dockerList,
};

const PUSH_BLOBS: readonly Requirement[] = [
  {
    numbers: [33],
    requires: "a manifest is taken although its subject is not there",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const subject = imageOf({ config: "nowhere", layers: [] });
      const answer = await client.pushManifest(referrerOf(subject, {}));
      assert.equal(answer.status, 201);
      assert.equal(answer.headers["oci-subject"], subject.digest);
    },
  },
  {
    numbers: [35],
    requires: "a manifest of which a part is missing is refused with MANIFEST_BLOB_UNKNOWN, which names the part",
    async holds(client) {
      await client.pushBlob("there");
      const image = imageOf({ config: "there", layers: ["missing"] });
      const missing: [Manifest, string][] = [
        [image, digestOf(Buffer.from("missing"))],
        [imageOf({ config: "gone", layers: ["there"] }), digestOf(Buffer.from("gone"))],
        [indexOf([image]), image.digest],
      ];
      for (const [manifest, part] of missing) {
        const answer = await client.pushManifest(manifest);
        assert.equal(answer.status, 400);
        const { code, detail = "" } = errorOf(answer);
        assert.equal(code, "MANIFEST_BLOB_UNKNOWN");
        assert.match(detail, new RegExp(part));
        await client.expect("GET", `manifests/${manifest.digest}`, { status: 404 });
      }
    },
  },
  {
    numbers: [36],
    requires:
      "a digest that is malformed, wrong or of an algorithm that is not supported is 400, however a blob is pushed",
    async holds(client) {
      const refused = { status: 400, code: "DIGEST_INVALID" };
      for (const digest of [
        "sha256:baddigeststring",
        "nonsense",
        `md5:${"a".repeat(32)}`,
        `sha384:${"a".repeat(96)}`,
        NOWHERE,
      ]) {
        const body = "content";
        await client.expect("POST", `blobs/uploads/?digest=${digest}`, refused, { body });
        await client.expect("PUT", `${await client.startUpload()}?digest=${digest}`, refused, { body });
        const session = await client.startUpload();
        await client.expect("PATCH", session, { status: 202 }, { body });
        await client.expect("PUT", `${session}?digest=${digest}`, refused);
      }
      await client.expect("POST", "blobs/uploads/?digest-algorithm=md5", refused);
      await client.expect("POST", "blobs/uploads/?mount=nonsense&from=a", refused);
      await client.expect("PUT", await client.startUpload(), refused, { body: "no digest at all" });
    },
  },
  {
    numbers: [37, 38],
    requires: "an upload begins with 202 and a location that has a UUID",
    async holds(client) {
      const location = new RegExp(`^/v2/${client.name}/blobs/uploads/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`);
      await client.expect("POST", "blobs/uploads/", { status: 202, headers: { location } }, NO_CONTENT);
    },
  },
  {
    numbers: [40],
    requires: "POST, then PUT of the whole blob, is 201 with the blob's location",
    async holds(client) {
      const body = "the whole blob";
      const digest = digestOf(Buffer.from(body));
      await client.expect("PUT", `${await client.startUpload()}?digest=${digest}`, blobAt(client.name, digest), {
        body,
      });
      await client.expect("GET", `blobs/${digest}`, { status: 200, body });
    },
  },
  {
    numbers: [42, 44],
    requires: "one POST with the right digest is 201 with the blob's location; with another digest nothing is stored",
    async holds(client) {
      const body = "all at once";
      const digest = digestOf(Buffer.from(body));
      for (const chunked of [false, true]) {
        await client.expect("POST", `blobs/uploads/?digest=${digest}`, blobAt(client.name, digest), { body, chunked });
      }
      await client.expect("GET", `blobs/${digest}`, { status: 200, body });
      await client.expect(
        "POST",
        `blobs/uploads/?digest=${NOWHERE}`,
        { status: 400, code: "DIGEST_INVALID" },
        { body },
      );
      await client.expect("HEAD", `blobs/${NOWHERE}`, { status: 404 });
    },
  },
  {
    numbers: [46],
    requires: "an upload may be hashed with sha512, whether or not that is said at its begin",
    async holds(client) {
      const body = "hashed with another algorithm";
      const digest = digestOf(Buffer.from(body), "sha512");
      for (const query of ["?digest-algorithm=sha512", ""]) {
        const session = await client.startUpload(query);
        await client.expect("PATCH", session, { status: 202 }, { body });
        await client.expect("PUT", `${session}?digest=${digest}`, blobAt(client.name, digest));
      }
      await client.expect("GET", `blobs/${digest}`, {
        status: 200,
        body,
        headers: { "docker-content-digest": digest },
      });
    },
  },
  {
    numbers: [49],
    requires: "the range of a piece is <first>-<last>, both included, and begins at 0",
    async holds(client) {
      const session = await client.startUpload();
      for (const range of ["1-3", "bytes 0-2/3", "0-", "-2", "2-0", "0-2/3", "a-b", "0-1", "0-3"]) {
        const sent = { headers: { "Content-Range": range }, body: "abc" };
        await client.expect("PATCH", session, { status: 416, headers: { range: "0-0", location: session } }, sent);
      }
      const first = { headers: { "Content-Range": "0-2" }, body: "abc" };
      await client.expect("PATCH", session, { status: 202, headers: { range: "0-2" } }, first);
    },
  },
  {
    numbers: [50, 53, 55],
    requires:
      "each piece is 202 with the location and the range so far; the closing PUT is 201 with the blob's location",
    async holds(client) {
      const digest = digestOf(Buffer.from("abcdefgh"));
      for (const last of [undefined, "gh"]) {
        let session = await client.startUpload();
        const pieces = last === undefined ? ["abc", "def", "gh"] : ["abc", "def"];
        let size = 0;
        for (const body of pieces) {
          const headers = { "Content-Range": `${size}-${size + body.length - 1}` };
          size += body.length;
          const expected = { status: 202, headers: { range: `0-${size - 1}`, location: /^\/v2\// } };
          const answer = await client.expect("PATCH", session, expected, { headers, body });
          session = answer.headers.location ?? "";
        }
        const sent = last === undefined ? NO_CONTENT : { headers: { "Content-Range": "6-7" }, body: last };
        await client.expect("PUT", `${session}?digest=${digest}`, blobAt(client.name, digest), sent);
      }
    },
  },
  {
    numbers: [52],
    requires: "a piece out of order is 416, and the upload is as it was",
    async holds(client) {
      const session = await client.startUpload();
      const piece = (range: string) => ({ headers: { "Content-Range": range }, body: "abc" });
      await client.expect("PATCH", session, { status: 416 }, piece("3-5"));
      await client.expect("PATCH", session, { status: 202 }, piece("0-2"));
      const refused = { status: 416, code: "RANGE_INVALID", headers: { range: "0-2", location: session } };
      await client.expect("PATCH", session, refused, piece("0-2"));
      await client.expect("PATCH", session, refused, piece("4-6"));
      await client.expect("PATCH", session, { status: 202, headers: { range: "0-5" } }, piece("3-5"));
    },
  },
  {
    numbers: [54],
    requires: "an upload is closed only with the digest of the whole blob",
    async holds(client) {
      const session = await client.startUpload();
      await client.expect("PATCH", session, { status: 202 }, { body: "abc" });
      const lastPiece = digestOf(Buffer.from("def"));
      await client.expect(
        "PUT",
        `${session}?digest=${lastPiece}`,
        { status: 400, code: "DIGEST_INVALID" },
        { body: "def" },
      );
      await client.expect("HEAD", `blobs/${lastPiece}`, { status: 404 });
    },
  },
  {
    numbers: [56],
    requires: "a last piece out of order in the closing PUT is 416, and the upload goes on",
    async holds(client) {
      const session = await client.startUpload();
      await client.expect("PATCH", session, { status: 202 }, { body: "abc", headers: { "Content-Range": "0-2" } });
      const close = `${session}?digest=${digestOf(Buffer.from("abcdef"))}`;
      const last = (range: string) => ({ body: "def", headers: { "Content-Range": range } });
      await client.expect("PUT", close, { status: 416, headers: { range: "0-2" } }, last("4-6"));
      await client.expect("GET", close, { status: 204, headers: { range: "0-2" } });
      await client.expect("PUT", close, { status: 201 }, last("3-5"));
    },
  },
  {
    numbers: [57],
    requires: "GET of an open upload is 204 with its location and what has arrived",
    async holds(client) {
      const session = await client.startUpload();
      await client.expect("GET", session, { status: 204, headers: { location: session, range: "0-0" } });
      await client.expect("PATCH", session, { status: 202 }, { body: "abcd" });
      await client.expect("GET", session, { status: 204, headers: { location: session, range: "0-3" } });
    },
  },
  {
    numbers: [59],
    requires: "an upload can be cancelled: 204, and it is gone",
    async holds(client) {
      const session = await client.startUpload();
      await client.expect("DELETE", session, { status: 204 });
      await client.expect("GET", session, { status: 404, code: "BLOB_UPLOAD_UNKNOWN" });
    },
  },
  {
    numbers: [61],
    requires: "a mount is 201 with the blob's location, and the blob can be read there",
    async holds(client) {
      const other = client.in(`${client.name}/source`);
      const digest = await other.pushBlob("to be mounted");
      const path = `blobs/uploads/?mount=${digest}&from=${other.name}`;
      await client.expect("POST", path, blobAt(client.name, digest), NO_CONTENT);
      await client.expect("GET", `blobs/${digest}`, { status: 200, body: "to be mounted" });
    },
  },
  {
    numbers: [62],
    requires: "a mount without a source takes the blob from wherever it is",
    async holds(client) {
      const digest = await client.in(`${client.name}/source`).pushBlob("to be found");
      await client.expect("POST", `blobs/uploads/?mount=${digest}`, blobAt(client.name, digest));
    },
  },
  {
    numbers: [63],
    requires: "a mount that is not possible opens an upload instead: 202",
    async holds(client) {
      const body = "not there";
      const digest = digestOf(Buffer.from(body));
      for (const query of [`mount=${digest}`, `mount=${digest}&from=nobody`, `mount=${digest}&from=${client.name}`]) {
        const answer = await client.expect("POST", `blobs/uploads/?${query}`, { status: 202 });
        await client.expect("PUT", `${answer.headers.location}?digest=${digest}`, { status: 201 }, { body });
        await client.expect("DELETE", `blobs/${digest}`, { status: 202 });
      }
    },
  },
];

const PUSH_MANIFESTS: readonly Requirement[] = [
  {
    numbers: [65],
    requires: "parameters of the Content-Type do not matter",
    async holds(client) {
      const { bytes, digest, mediaType } = await client.pushImage();
      const sent = { body: bytes, headers: { "Content-Type": `${mediaType}; charset=utf-8` } };
      await client.expect("PUT", "manifests/1", { status: 201 }, sent);
      await client.expect("GET", "manifests/1", { status: 200, headers: { "content-type": mediaType } });
      await client.expect("HEAD", `manifests/${digest}`, { status: 200 });
    },
  },
  {
    numbers: [66],
    requires: "a manifest says its type itself, and a Content-Type that contradicts it is refused",
    async holds(client) {
      const { bytes, mediaType } = await client.pushImage();
      const expected = { status: 400, code: "MANIFEST_INVALID" };
      const headers = { "Content-Type": MEDIA_TYPES.dockerManifest };
      await client.expect("PUT", "manifests/1", expected, { body: bytes, headers });
      await client.expect("PUT", "manifests/1", { status: 201 }, { body: bytes });
      await client.expect("HEAD", "manifests/1", { status: 200, headers: { "content-type": mediaType } });
    },
  },
  {
    numbers: [67, 120],
    requires: "the list of layers may be empty",
    async holds(client) {
      await client.pushBlob("config");
      for (const manifest of [imageOf({ config: "config", layers: [] }), indexOf([])]) {
        assert.equal((await client.pushManifest(manifest)).status, 201);
      }
    },
  },
  {
    numbers: [68, 110],
    requires: "the bytes of a manifest are kept exactly, with their spaces and unknown fields",
    async holds(client) {
      const { bytes, mediaType } = await client.pushImage();
      const odd = Buffer.from(`\n ${bytes.toString().replace("{", '{ "x-unknown" : [1e2, null],\t')}\n\n`);
      await client.pushManifest({ mediaType, bytes: odd, digest: digestOf(odd) }, "odd");
      await client.expect("GET", "manifests/odd", { status: 200, body: odd });
    },
  },
  {
    numbers: [69, 70],
    requires: "a push is 201 with a location to pull from and the digest that the client gave",
    async holds(client) {
      const image = await client.pushImage();
      for (const algorithm of ["sha256", "sha512"] as const) {
        const digest = digestOf(image.bytes, algorithm);
        const answer = await client.pushManifest(image, digest);
        assert.equal(answer.status, 201);
        assert.equal(answer.headers["docker-content-digest"], digest);
        const expected = { status: 200, body: image.bytes, headers: { "docker-content-digest": digest } };
        await client.expect("GET", answer.headers.location ?? "", expected);
      }
    },
  },
  {
    numbers: [71],
    requires: "a push by digest may set tags, ten and more, and the answer lists them",
    async holds(client) {
      const image = await client.pushImage();
      const tags = Array.from({ length: 20 }, (_, index) => `t${index}`);
      for (const digest of [image.digest, digestOf(image.bytes, "sha512")]) {
        const answer = await client.pushManifest(image, `${digest}?${tags.map((tag) => `tag=${tag}`).join("&")}`);
        assert.equal(answer.status, 201);
        assert.deepEqual(String(answer.headers["oci-tag"]).split(/, */), tags);
        for (const tag of tags) {
          await client.expect("HEAD", `manifests/${tag}`, {
            status: 200,
            headers: { "docker-content-digest": digest },
          });
        }
      }
    },
  },
  {
    numbers: [72],
    requires: "pulling from a repository that does not exist is 404",
    async holds(client) {
      await client.expect("GET", "manifests/latest", { status: 404, code: "NAME_UNKNOWN" });
      await client.expect("GET", `blobs/${NOWHERE}`, { status: 404, code: "NAME_UNKNOWN" });
    },
  },
  {
    numbers: [73, 74],
    requires: "a manifest of 4 MB is taken, one of more than 4 MiB is 413, with and without a Content-Length",
    async holds(client) {
      await client.pushBlob("config");
      const sized = (size: number) => {
        const manifest = imageOf({ config: "config", layers: [] }, { annotations: { padding: "" } });
        return Buffer.from(manifest.bytes.toString().replace('""', `"${"x".repeat(size - manifest.bytes.length)}"`));
      };
      for (const [size, expected] of [
        [4_000_000, { status: 201 }],
        [4 * 1024 * 1024, { status: 201 }],
        [4 * 1024 * 1024 + 1, { status: 413, code: "SIZE_INVALID", headers: JSON_ERROR }],
        [9 * 1024 * 1024, { status: 413, code: "SIZE_INVALID", headers: JSON_ERROR }],
      ] as const) {
        const sent = { body: sized(size), headers: { "Content-Type": MEDIA_TYPES.ociManifest } };
        await client.expect("PUT", "manifests/large", expected, sent);
        await client.expect("PUT", "manifests/large", expected, { ...sent, chunked: true });
      }
    },
  },
  {
    numbers: [75],
    requires: "the push of a manifest with a subject is answered with the subject's digest, of others without",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      assert.equal((await client.pushManifest(image)).headers["oci-subject"], undefined);
      const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
      for (const referrer of [referrerOf(image, {}), indexOf([], { subject })]) {
        assert.equal((await client.pushManifest(referrer)).headers["oci-subject"], image.digest);
      }
    },
  },
];

const DISCOVERY: readonly Requirement[] = [
  {
    numbers: [77],
    requires: "the tags of a repository are 200 with its name and a list, which may be empty",
    async holds(client) {
      await client.pushBlob("only a blob");
      const body = (tags: string[]) => JSON.stringify({ name: client.name, tags });
      await client.expect("GET", "tags/list", { status: 200, body: body([]) });
      await client.pushImage("1");
      await client.expect("GET", "tags/list", { status: 200, body: body(["1"]), headers: JSON_ERROR });
      await client.in("nobody").expect("GET", "tags/list", { status: 404, code: "NAME_UNKNOWN" });
    },
  },
  {
    numbers: [78, 79, 80],
    requires: "tags come in byte order, as many as asked for, with a link to the next page where there is one",
    async holds(client) {
      const image = await client.pushImage("b");
      for (const tag of ["a", "B", "_x", "10", "9"]) await client.pushManifest(image, tag);
      const sorted = ["10", "9", "B", "_x", "a", "b"];
      for (const [query, expected] of [
        ["", sorted],
        ["?n=6", sorted],
        ["?n=100", sorted],
      ] as const) {
        const answer = await client.expect("GET", `tags/list${query}`, { status: 200, headers: { link: undefined } });
        assert.deepEqual(tagsIn(answer.body), expected);
      }
      for (const size of [1, 2, 4, 5]) {
        const pages: string[][] = [];
        for (let next: string | undefined = `tags/list?n=${size}`; next; ) {
          const answer = await client.expect("GET", next, { status: 200 });
          pages.push(tagsIn(answer.body));
          next = nextOf(answer);
        }
        assert.deepEqual(pages.flat(), sorted);
        assert.deepEqual(new Set(pages.slice(0, -1).map(({ length }) => length)), new Set([size]));
      }
    },
  },
  {
    numbers: [81],
    requires: "n=0 gives an empty list and no link",
    async holds(client) {
      await client.pushImage("1");
      const answer = await client.expect("GET", "tags/list?n=0", { status: 200, headers: { link: undefined } });
      assert.deepEqual(tagsIn(answer.body), []);
    },
  },
  {
    numbers: [82],
    requires: "last is a tag, after which the list begins; n need not be given, and the tag need not exist",
    async holds(client) {
      const image = await client.pushImage("a");
      for (const tag of ["b", "c", "d"]) await client.pushManifest(image, tag);
      for (const [query, tags] of [
        ["last=b", ["c", "d"]],
        ["last=b&n=1", ["c"]],
        ["last=bb", ["c", "d"]],
        ["last=d", []],
        ["last=1", ["a", "b", "c", "d"]],
      ] as const) {
        const answer = await client.expect("GET", `tags/list?${query}`, { status: 200 });
        assert.deepEqual(tagsIn(answer.body), tags, query);
      }
    },
  },
  {
    numbers: [83, 85, 88],
    requires: "referrers are 200 and an index of exactly the OCI type, empty when there are none",
    async holds(client) {
      const { digest } = await client.pushImage("1");
      const headers = { "content-type": MEDIA_TYPES.ociIndex };
      const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
      for (const subject of [digest, NOWHERE]) {
        await client.expect("GET", `referrers/${subject}`, { status: 200, headers, body });
        await client.in("nobody").expect("GET", `referrers/${subject}`, { status: 200, headers, body });
      }
    },
  },
  {
    numbers: [84],
    requires: "referrers of a malformed digest are 400",
    async holds(client) {
      await client.pushImage("1");
      for (const digest of ["sha256:short", "latest", "sha256:"]) {
        await client.expect("GET", `referrers/${digest}`, { status: 400, code: "DIGEST_INVALID" });
      }
    },
  },
  {
    numbers: [86, 87],
    requires: "a referrer has its annotations and its type: its own, else that of an image's config, else none",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
      const annotations = { "org.example.note": "ä <b> & \u2028" };
      const own = "application/vnd.example.own";
      const expected: [Manifest, string | undefined][] = [
        [referrerOf(image, { artifactType: own, annotations }), own],
        [
          imageOf({ config: image.config, layers: [image.layer] }, { subject, annotations }),
          "application/vnd.oci.image.config.v1+json",
        ],
        [indexOf([], { subject, artifactType: own, annotations }), own],
        [indexOf([image], { subject, annotations }), undefined],
      ];
      for (const [manifest] of expected) assert.equal((await client.pushManifest(manifest)).status, 201);
      const { body } = await client.expect("GET", `referrers/${image.digest}`, { status: 200 });
      const { manifests } = JSON.parse(body.toString());
      assert.equal(manifests.length, expected.length);
      for (const [{ mediaType, digest, bytes }, artifactType] of expected) {
        const found = manifests.find((each: { digest: string }) => each.digest === digest);
        const type = artifactType === undefined ? {} : { artifactType };
        assert.deepEqual(found, { mediaType, digest, size: bytes.length, ...type, annotations });
      }
    },
  },
  {
    numbers: [89],
    requires: "referrers that do not fit in one answer come in pages of at most 4 MiB",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const annotation = "x".repeat(900_000);
      const referrers = Array.from({ length: 10 }, (_, index) =>
        referrerOf(image, { annotations: { annotation, index: `${index}` } }),
      );
      for (const referrer of referrers) await client.pushManifest(referrer);
      const found: string[] = [];
      let pages = 0;
      for (let next: string | undefined = `referrers/${image.digest}`; next; pages++) {
        const answer = await client.expect("GET", next, {
          status: 200,
          headers: { "content-type": MEDIA_TYPES.ociIndex },
        });
        assert.ok(answer.body.length <= 4 * 1024 * 1024);
        found.push(...digestsIn(answer));
        next = nextOf(answer);
      }
      assert.equal(pages, 3);
      assert.deepEqual(found, referrers.map(({ digest }) => digest).sort());
    },
  },
  {
    numbers: [90],
    requires: "referrers can be filtered by type, which the answer says, on every page",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const type = (letter: string) => `application/vnd.example.${letter}+json`;
      for (const [index, letter] of ["a", "a", "b", "c"].entries()) {
        await client.pushManifest(referrerOf(image, { artifactType: type(letter), annotations: { n: `${index}` } }));
      }
      const applied = { "oci-filters-applied": "artifactType" };
      for (const [query, count] of [
        [`artifactType=${type("a")}`, 2],
        [`artifactType=${encodeURIComponent(type("b"))}`, 1],
        [`artifactType=${type("a")}&artifactType=${type("c")}`, 3],
        [`artifactType=${type("z")}`, 0],
      ] as const) {
        for (const page of ["", "&n=1"]) {
          const found: string[] = [];
          for (let next: string | undefined = `referrers/${image.digest}?${query}${page}`; next; ) {
            const answer = await client.expect("GET", next, { status: 200, headers: applied });
            found.push(...digestsIn(answer));
            next = nextOf(answer);
          }
          assert.equal(found.length, count, query);
        }
      }
      for (const query of ["", "?artifactType=", "?annotation=x"]) {
        const headers = { "oci-filters-applied": undefined };
        const answer = await client.expect("GET", `referrers/${image.digest}${query}`, { status: 200, headers });
        assert.equal(digestsIn(answer).length, 4);
      }
    },
  },
];

const tagsIn = (body: Buffer): string[] => JSON.parse(body.toString()).tags;

const MANAGEMENT: readonly Requirement[] = [
  {
    numbers: [93],
    requires: "deleting a tag is 202; then the tag is gone, and the manifest is not",
    async holds(client) {
      const { digest } = await client.pushImage("1");
      await client.expect("DELETE", "manifests/1", { status: 202 });
      await client.expect("GET", "manifests/1", { status: 404, code: "MANIFEST_UNKNOWN" });
      await client.expect("GET", `manifests/${digest}`, { status: 200 });
      await client.expect("DELETE", "manifests/1", { status: 404, code: "MANIFEST_UNKNOWN" });
      const { body } = await client.expect("GET", "tags/list", { status: 200 });
      assert.deepEqual(tagsIn(body), []);
    },
  },
  {
    numbers: [94],
    requires: "deleting a manifest is 202; then it is gone with all its tags, and from the referrers",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      await client.pushManifest(image, "2");
      const referrer = referrerOf(image, {});
      await client.pushManifest(referrer);
      await client.expect("DELETE", `manifests/${referrer.digest}`, { status: 202 });
      assert.deepEqual(digestsIn(await client.send("GET", `referrers/${image.digest}`)), []);
      await client.expect("DELETE", `manifests/${image.digest}`, { status: 202 });
      for (const reference of ["1", "2", image.digest])
        await client.expect("GET", `manifests/${reference}`, { status: 404 });
      assert.deepEqual(tagsIn((await client.send("GET", "tags/list")).body), []);
      await client.expect("DELETE", `manifests/${image.digest}`, { status: 404, code: "MANIFEST_UNKNOWN" });
      await client.in("nobody").expect("DELETE", `manifests/${image.digest}`, { status: 404, code: "NAME_UNKNOWN" });
    },
  },
  {
    numbers: [96],
    requires: "deleting a blob is 202, one that is not there 404; a copy in another repository stays",
    async holds(client) {
      const digest = await client.pushBlob("to be deleted");
      const other = client.in(`${client.name}/other`);
      await other.expect("POST", `blobs/uploads/?mount=${digest}&from=${client.name}`, { status: 201 });
      await client.expect("DELETE", `blobs/${digest}`, { status: 202 });
      for (const method of ["GET", "HEAD", "DELETE"]) await client.expect(method, `blobs/${digest}`, { status: 404 });
      await other.expect("GET", `blobs/${digest}`, { status: 200, body: "to be deleted" });
    },
  },
  {
    numbers: [100],
    requires: "who asks for the tag sha256-<hex> finds the referrers as well",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const tag = image.digest.replace(":", "-");
      await client.expect("GET", `manifests/${tag}`, { status: 404, code: "MANIFEST_UNKNOWN" });
      const referrer = referrerOf(image, {});
      await client.pushManifest(referrer);
      const answer = await client.expect("GET", `manifests/${tag}`, {
        status: 200,
        headers: { "content-type": MEDIA_TYPES.ociIndex },
      });
      assert.deepEqual(digestsIn(answer), [referrer.digest]);
      assert.deepEqual(tagsIn((await client.send("GET", "tags/list")).body), ["1"]);
    },
  },
  {
    numbers: [101],
    requires: "referrers that a client listed itself under that tag are listed, once",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const referrer = referrerOf(image, {});
      await client.pushManifest(referrer);
      const list = indexOf([referrer]);
      assert.equal((await client.pushManifest(list, image.digest.replace(":", "-"))).status, 201);
      assert.deepEqual(digestsIn(await client.send("GET", `referrers/${image.digest}`)), [referrer.digest]);
    },
  },
];

const ERRORS: readonly Requirement[] = [
  {
    numbers: [102, 103],
    requires: "every refusal is JSON of the documented form, with a code in capitals, and never names a file",
    async holds(client) {
      for (const [method, path] of [
        ["GET", "manifests/none"],
        ["GET", "blobs/nonsense"],
        ["GET", "/v2/UPPER/tags/list"],
        ["GET", "/v2/nowhere"],
        ["POST", "tags/list"],
        ["GET", "tags/list?n=-1"],
        ["PUT", "manifests/1"],
        ["PATCH", "blobs/uploads/unknown"],
        ["PUT", `blobs/uploads/unknown?digest=${NOWHERE}`],
        ["DELETE", "blobs/uploads/unknown"],
      ] as const) {
        const { status, headers, body } = await client.send(method, path);
        assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
        assert.equal(headers["content-type"], "application/json");
        const { errors } = JSON.parse(body.toString());
        assert.equal(errors.length, 1);
        assert.match(errors[0].code, /^[A-Z_]+$/);
        assert.equal(typeof errors[0].message, "string");
      }
    },
  },
];

const IMAGE_SPEC: readonly Requirement[] = [
  {
    numbers: [108],
    requires: "a descriptor has a digest and a size that is right, and its data is its content",
    async holds(client) {
      const config = "config";
      await client.pushBlob(config);
      const whole = descriptorOf(config, "application/vnd.oci.image.config.v1+json");
      const data = Buffer.from(config).toString("base64");
      for (const [more, status] of [
        [{}, 201],
        [{ data }, 201],
        [{ data: "b3RoZXI=" }, 400],
        [{ size: -1 }, 400],
        [{ size: 5 }, 400],
        [{ size: "6" }, 400],
        [{ size: 6.5 }, 400],
        [{ digest: "sha256:short" }, 400],
        [{ digest: undefined }, 400],
        [{ urls: "https://example.com" }, 400],
        [{ annotations: { n: 1 } }, 400],
      ] as const) {
        const answer = await client.pushManifest(manifestOf({ config: { ...whole, ...more }, layers: [] }));
        assert.equal(answer.status, status, JSON.stringify(more));
      }
    },
  },
  {
    numbers: [109],
    requires:
      "content is checked against its digest; a digest of an unknown algorithm that fits the grammar may be named",
    async holds(client) {
      const image = await client.pushImage();
      const refused = await client.pushManifest(image, NOWHERE);
      assert.equal(refused.status, 400);
      assert.equal(errorOf(refused).code, "DIGEST_INVALID");
      const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: "blake3:abc=", size: 1 };
      assert.equal((await client.pushManifest(indexOf([], { subject }))).headers["oci-subject"], "blake3:abc=");
    },
  },
  {
    numbers: [111],
    requires: "an image manifest has schemaVersion 2 and a config",
    async holds(client) {
      const image = await client.pushImage();
      for (const more of [{ schemaVersion: 1 }, { schemaVersion: "2" }, { config: undefined }, { layers: {} }]) {
        const broken = { ...JSON.parse(image.bytes.toString()), ...more };
        const answer = await client.pushManifest(manifestOf(broken));
        assert.equal(answer.status, 400, JSON.stringify(more));
        assert.equal(errorOf(answer).code, "MANIFEST_INVALID");
      }
    },
  },
  {
    numbers: [112, 113],
    requires: "artifacts, configs and layers of any type are taken, also the empty one",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const odd = descriptorOf(EMPTY, "application/vnd.example.odd+thing");
      for (const manifest of [
        manifestOf({ artifactType: "application/vnd.example.odd", config: odd, layers: [odd, odd] }),
        manifestOf({ config: odd, layers: [] }),
        manifestOf({
          artifactType: "text/plain",
          config: descriptorOf(EMPTY, "application/vnd.oci.empty.v1+json"),
          layers: [],
        }),
      ]) {
        assert.equal((await client.pushManifest(manifest)).status, 201);
        await client.expect("GET", `manifests/${manifest.digest}`, { status: 200, body: manifest.bytes });
      }
    },
  },
  {
    numbers: [115],
    requires: "an index may be empty, hold indexes, name blobs and types that nobody knows, and say no platform",
    async holds(client) {
      const image = await client.pushImage("1");
      const inner = indexOf([image]);
      const layer = descriptorOf(image.layer, "application/vnd.buildkit.cacheconfig.v0");
      for (const index of [
        indexOf([]),
        inner,
        indexOf([inner, image]),
        manifestOf({ mediaType: MEDIA_TYPES.ociIndex, manifests: [layer] }),
      ]) {
        assert.equal((await client.pushManifest(index)).status, 201);
      }
    },
  },
  {
    numbers: [116],
    requires: "a subject is a weak link: it may be deleted, and its referrers stay listed",
    async holds(client) {
      await client.pushBlob(EMPTY);
      const image = await client.pushImage("1");
      const referrer = referrerOf(image, {});
      await client.pushManifest(referrer);
      await client.expect("DELETE", `manifests/${image.digest}`, { status: 202 });
      assert.deepEqual(digestsIn(await client.send("GET", `referrers/${image.digest}`)), [referrer.digest]);
    },
  },
  {
    numbers: [117],
    requires: "annotations are strings by name; an empty map is none",
    async holds(client) {
      for (const [annotations, status] of [
        [{}, 201],
        [{ "any.key": "" }, 201],
        [{ key: 1 }, 400],
        [["a"], 400],
        ["text", 400],
      ] as const) {
        assert.equal(
          (await client.pushManifest(indexOf([], { annotations }))).status,
          status,
          JSON.stringify(annotations),
        );
      }
    },
  },
  {
    numbers: [119],
    requires: "layers that may not be distributed need not be there",
    async holds(client) {
      await client.pushBlob("config");
      const config = descriptorOf("config", "application/vnd.oci.image.config.v1+json");
      for (const layer of [
        descriptorOf("elsewhere", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        { ...descriptorOf("far", "application/vnd.oci.image.layer.v1.tar"), urls: ["https://example.com/layer"] },
      ]) {
        assert.equal((await client.pushManifest(manifestOf({ config, layers: [layer] }))).status, 201);
      }
    },
  },
];

const PARTS: Record<string, readonly Requirement[]> = {
  general: GENERAL,
  pull: PULL,
  "push of blobs": PUSH_BLOBS,
  "push of manifests": PUSH_MANIFESTS,
  "content discovery": DISCOVERY,
  "content management": MANAGEMENT,
  errors: ERRORS,
  "image specification": IMAGE_SPEC,
};

/** These need a server that was started otherwise; see the end of this file. */
const OTHER_SERVER = [60, 105];

/** What is not asked, and why. */
const NOT_TESTED: Record<string, readonly number[]> = {
  "it binds clients": [13, 15, 17, 21, 22, 26, 39, 45, 48, 51, 58, 64, 76, 91, 95, 98, 99, 107],
  "it is allowed, and not done here": [5, 7, 8, 20, 97, 106],
  "it is allowed, and what follows from doing so stands at the number after it": [34, 41, 92],
  "it is for registries that do not take a blob in one POST": [43],
  "it is for registries with a least size of pieces": [47],
  "it says what may be left out of errors": [104],
  "it is for who makes images": [114],
  "it is for folders; test/layouts.test.ts asks it": [118],
};

describe("what the specifications require", () => {
  const served = serve();

  for (const [part, requirements] of Object.entries(PARTS)) {
    describe(part, () => {
      for (const { numbers, requires, holds } of requirements) {
        it(`${numbers.join(", ")}: ${requires}`, async () => {
          await holds(served.client(`requirement/${numbers[0]}`));
        });
      }
    });
  }

  it("no number is left out, and none stands twice", () => {
    const tested = Object.values(PARTS).flatMap((requirements) => requirements.flatMap(({ numbers }) => numbers));
    const all = [...tested, ...OTHER_SERVER, ...Object.values(NOT_TESTED).flat()].sort((a, b) => a - b);
    assert.deepEqual(
      all,
      Array.from({ length: NUMBERS }, (_, index) => index + 1),
    );
  });
});

describe("60: an upload that nobody goes on with", () => {
  const served = serve({ options: ["--upload-expiry", "1ms"] });

  it("is given up", async () => {
    const client = served.client("expiring");
    const session = await client.startUpload();
    await client.expect("PATCH", session, { status: 202 }, { body: "abc" });
    // Starting a program takes longer than a millisecond.
    assert.equal((await runCommand("gc", "--data", served.data())).code, 0);
    await client.expect("GET", session, { status: 404, code: "BLOB_UPLOAD_UNKNOWN" });
  });
});

describe("105: who has too many uploads open", () => {
  const served = serve({ options: ["--max-uploads", "1"] });

  it("is told when to try again", async () => {
    const client = served.client("limited");
    const session = await client.startUpload();
    const refused = { status: 429, code: "TOOMANYREQUESTS", headers: { "retry-after": /^[1-9][0-9]*$/ } };
    await client.expect("POST", "blobs/uploads/", refused);
    await client.expect("DELETE", session, { status: 204 });
    await client.expect("POST", "blobs/uploads/", { status: 202 });
  });
});
