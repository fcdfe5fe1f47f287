import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { type Digest, digestOf } from "../../registry/reference.ts";
import { type Answer, ask } from "../support/server.ts";
import {
  descriptorOf,
  digestsIn,
  EMPTY,
  type Expected,
  imageOf,
  indexOf,
  type Manifest,
  referrerOf,
  type Sent,
} from "./client.ts";
import { serve } from "./served.ts";

/** One request of a conversation. `{location}` is the location that the last answer gave. */
interface Step {
  readonly request: string;
  readonly sends?: Sent;
  readonly gets: Expected | number;
}

const CONFIG = Buffer.from('{"architecture":"amd64","os":"linux"}');
const LAYER = Buffer.from("a layer ".repeat(10_000));
const OTHER = Buffer.from("another layer");
const [config, layer, other] = [CONFIG, LAYER, OTHER].map((bytes) => digestOf(bytes)) as [Digest, Digest, Digest];
const IMAGE = imageOf({ config: CONFIG, layers: [LAYER] });
const DOCKER = imageOf({ config: CONFIG, layers: [LAYER] }, { mediaType: MEDIA_TYPES.dockerManifest });
const LENGTH_0 = { headers: { "Content-Length": "0" } };
const OCTETS = { "Content-Type": "application/octet-stream" };
const pushes = ({ mediaType, bytes }: Manifest): Sent => ({ headers: { "Content-Type": mediaType }, body: bytes });
const pushed = ({ digest }: Manifest): Expected => ({ status: 201, headers: { "docker-content-digest": digest } });
const pulled = ({ digest, mediaType, bytes }: Manifest): Expected => ({
  status: 200,
  headers: { "docker-content-digest": digest, "content-type": mediaType, "content-length": `${bytes.length}` },
});
const escaped = (digest: string): string => digest.replace(":", "%3A");
const range = (size: number): Expected => ({ status: 202, headers: { range: `0-${Math.max(0, size - 1)}` } });
/** What a client has to be told of a blob that is there. */
const there = (digest: Digest, bytes: Buffer): Expected => ({
  status: 200,
  headers: { "docker-content-digest": digest, "content-length": `${bytes.length}`, "content-encoding": undefined },
});

const streamed = (digest: Digest, bytes: Buffer): Step[] => [
  { request: `HEAD blobs/${digest}`, gets: 404 },
  { request: "POST blobs/uploads/", sends: LENGTH_0, gets: range(0) },
  { request: "PATCH {location}", sends: { headers: OCTETS, body: bytes, chunked: true }, gets: range(bytes.length) },
  { request: `PUT {location}?digest=${escaped(digest)}`, sends: LENGTH_0, gets: 201 },
  { request: `HEAD blobs/${digest}`, gets: there(digest, bytes) },
];
const atOnce = (digest: Digest, bytes: Buffer, accept: string): Step[] => [
  { request: `HEAD blobs/${digest}`, sends: { headers: { Accept: `${accept}, */*` } }, gets: 404 },
  { request: "POST blobs/uploads/", sends: LENGTH_0, gets: 202 },
  { request: `PUT {location}?digest=${escaped(digest)}`, sends: { headers: OCTETS, body: bytes }, gets: 201 },
];
const manifestOnly = { headers: { Accept: `${MEDIA_TYPES.dockerManifest}, application/json` } };

/** What each client sends, in its order (observed, or read in its source), and what it needs to be answered. */
const CONVERSATIONS: Record<string, readonly Step[]> = {
  "docker pushes in streams, looks at each blob again, and pulls by digest": [
    { request: "GET /v2/", gets: 200 },
    ...streamed(config, CONFIG),
    ...streamed(layer, LAYER),
    { request: "PUT manifests/1", sends: pushes(DOCKER), gets: pushed(DOCKER) },
    { request: "HEAD manifests/1", sends: manifestOnly, gets: pulled(DOCKER) },
    { request: `GET manifests/${DOCKER.digest}`, sends: manifestOnly, gets: pulled(DOCKER) },
    { request: `GET blobs/${layer}`, sends: { headers: { Range: "bytes=70000-" } }, gets: 206 },
  ],
  "docker mounts with everything escaped": [
    ...streamed(layer, LAYER),
    {
      request: `POST /v2/mounted/by-docker/blobs/uploads/?from={name}&mount=${escaped(layer)}`,
      sends: LENGTH_0,
      gets: { status: 201, headers: { location: `/v2/mounted/by-docker/blobs/${layer}` } },
    },
  ],
  "docker hears that it has nothing to stream of an empty layer": [
    { request: "POST blobs/uploads/", sends: LENGTH_0, gets: range(0) },
    { request: "PATCH {location}", sends: { headers: OCTETS, body: "", chunked: true }, gets: range(0) },
    { request: `PUT {location}?digest=${escaped(digestOf(Buffer.alloc(0)))}`, sends: LENGTH_0, gets: 201 },
  ],
  "containerd sends each blob in one PUT, and the host that it believes to ask": [
    ...atOnce(config, CONFIG, "application/vnd.oci.image.config.v1+json"),
    ...atOnce(layer, LAYER, "application/vnd.oci.image.layer.v1.tar+gzip"),
    { request: "HEAD manifests/1?ns=registry.example", gets: 404 },
    { request: "PUT manifests/1?ns=registry.example", sends: pushes(IMAGE), gets: pushed(IMAGE) },
    {
      request: `POST /v2/mounted/by-containerd/blobs/uploads/?mount=${layer}&from={name}&ns=registry.example`,
      sends: LENGTH_0,
      gets: 201,
    },
    { request: "HEAD manifests/1?ns=registry.example", gets: pulled(IMAGE) },
    {
      request: `GET blobs/${layer}?ns=registry.example`,
      sends: { headers: { "Accept-Encoding": "zstd, gzip, deflate", Range: "bytes=0-" } },
      gets: { status: 206, headers: { "content-encoding": undefined, "content-range": `bytes 0-79999/80000` } },
    },
  ],
  "containerd looks for what is no manifest among the blobs": [
    ...atOnce(config, CONFIG, "*/*"),
    { request: `HEAD manifests/${config}`, gets: { status: 404, code: "MANIFEST_UNKNOWN" } },
    { request: `HEAD blobs/${config}`, gets: there(config, CONFIG) },
  ],
  "skopeo gives up the upload that a mount has opened": [
    { request: "GET /v2/", gets: 200 },
    { request: `POST blobs/uploads/?mount=${escaped(other)}&from=somewhere%2Felse`, sends: LENGTH_0, gets: 202 },
    { request: "DELETE {location}", gets: { status: 204, headers: { "content-length": undefined } } },
    ...streamed(config, CONFIG),
    ...streamed(layer, LAYER),
    { request: "PUT manifests/1", sends: pushes(IMAGE), gets: pushed(IMAGE) },
    { request: "GET manifests/1", sends: manifestOnly, gets: pulled(IMAGE) },
    {
      request: `GET blobs/${layer}`,
      sends: { headers: { Range: "bytes=0-9,20-29" } },
      gets: { ...there(layer, LAYER), body: LAYER },
    },
    { request: `DELETE manifests/${IMAGE.digest}`, gets: 202 },
  ],
  "crane opens an upload with the type of JSON and no body": [
    { request: "GET /v2/", gets: 200 },
    {
      request: "POST blobs/uploads/",
      sends: { headers: { "Content-Type": "application/json", "Content-Length": "0" } },
      gets: 202,
    },
    { request: "PATCH {location}", sends: { body: LAYER }, gets: range(LAYER.length) },
    { request: `PUT {location}?digest=${escaped(layer)}`, gets: 201 },
    { request: "POST blobs/uploads/?from=nobody&mount=nothing&origin=example.com", gets: 400 },
    { request: `POST blobs/uploads/?from=nobody&mount=${escaped(other)}&origin=example.com`, gets: 202 },
    { request: "DELETE {location}", gets: 204 },
    ...streamed(config, CONFIG),
    { request: "PUT manifests/1", sends: pushes(IMAGE), gets: pushed(IMAGE) },
    { request: "HEAD manifests/1", gets: pulled(IMAGE) },
    { request: `HEAD blobs/${layer}`, gets: there(layer, LAYER) },
    { request: "GET tags/list?n=1000", gets: { status: 200, headers: { link: undefined } } },
    { request: "GET /v2/_catalog?n=1000", gets: 200 },
  ],
  "oras asks by an impossible digest whether referrers are known": [
    {
      request: `GET referrers/sha256:${"0".repeat(64)}`,
      gets: { status: 200, headers: { "content-type": MEDIA_TYPES.ociIndex } },
    },
    ...atOnce(config, CONFIG, "*/*"),
    ...atOnce(layer, LAYER, "*/*"),
    { request: `HEAD manifests/${IMAGE.digest}`, gets: 404 },
    { request: `PUT manifests/${IMAGE.digest}`, sends: pushes(IMAGE), gets: pushed(IMAGE) },
    { request: "PUT manifests/v1", sends: pushes(IMAGE), gets: pushed(IMAGE) },
    { request: "HEAD manifests/v1", gets: pulled(IMAGE) },
    { request: `GET blobs/${layer}`, gets: { ...there(layer, LAYER), headers: { "accept-ranges": "bytes" } } },
    { request: `GET referrers/${IMAGE.digest}?n=100`, gets: 200 },
  ],
  "regctl tries to mount from anywhere, then sends in pieces and goes on where one was refused": [
    { request: `POST blobs/uploads/?mount=${other}`, sends: LENGTH_0, gets: 202 },
    {
      request: "PATCH {location}",
      sends: { headers: { "Content-Range": "0-4" }, body: OTHER.subarray(0, 5) },
      gets: range(5),
    },
    {
      request: "PATCH {location}",
      sends: { headers: { "Content-Range": "8-12" }, body: OTHER.subarray(8) },
      gets: { status: 416, headers: { range: "0-4" } },
    },
    { request: "GET {location}", gets: { status: 204, headers: { range: "0-4" } } },
    {
      request: "PATCH {location}",
      sends: { headers: { "Content-Range": "5-12" }, body: OTHER.subarray(5) },
      gets: range(13),
    },
    { request: `PUT {location}?digest=${other}`, sends: LENGTH_0, gets: 201 },
    { request: "POST blobs/uploads/?digest-algorithm=sha512", sends: LENGTH_0, gets: 202 },
    { request: `PUT {location}?digest=${digestOf(OTHER, "sha512")}`, sends: { body: OTHER }, gets: 201 },
    { request: `POST blobs/uploads/?digest=${config}`, sends: { body: CONFIG }, gets: 201 },
    { request: `POST blobs/uploads/?digest=${layer}`, sends: { body: LAYER }, gets: 201 },
    {
      request: `PUT manifests/${IMAGE.digest}?tag=a&tag=b`,
      sends: pushes(IMAGE),
      gets: { status: 201, headers: { "oci-tag": "a, b" } },
    },
    { request: "DELETE manifests/a", gets: 202 },
    { request: "GET manifests/b", gets: 200 },
  ],
};

describe("what clients send", () => {
  const served = serve();

  for (const [title, steps] of Object.entries(CONVERSATIONS)) {
    it(title, async () => {
      const client = served.client(
        `by/${title.split(" ").slice(0, 2).join("-")}/${Object.keys(CONVERSATIONS).indexOf(title)}`,
      );
      let location = "";
      for (const { request, sends, gets } of steps) {
        const [method = "", path = ""] = request.split(" ");
        const filled = path.replace("{location}", location).replace("{name}", encodeURIComponent(client.name));
        const expected = typeof gets === "number" ? { status: gets } : gets;
        const answer = await client.expect(method, filled, expected, sends);
        location = answer.headers.location ?? location;
      }
    });
  }

  it("helm keeps a chart as an artifact, and asks for it by a tag with an underscore", async () => {
    const client = served.client("charts/app");
    const chart = imageOf(
      { config: "{}", layers: ["a chart"] },
      {
        config: descriptorOf("{}", "application/vnd.cncf.helm.config.v1+json"),
        layers: [descriptorOf("a chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
      },
    );
    for (const blob of ["{}", "a chart"]) await client.pushBlob(blob);
    await client.expect("PUT", "manifests/1.0.0_build.1", pushed(chart), pushes(chart));
    await client.expect("GET", "manifests/1.0.0_build.1", pulled(chart));
  });

  it("cosign tags signatures by the digest of what they sign, and nobody takes the tag for the digest", async () => {
    const client = served.client("signed/app");
    const image = await client.pushImage("1");
    for (const end of [".sig", ".att", ".sbom", ""]) {
      const tag = `${image.digest.replace(":", "-")}${end}`;
      await client.expect("GET", `manifests/${tag}`, { status: 404, code: "MANIFEST_UNKNOWN" });
      const signature = await client.in("signed/app").pushImage(tag, `a signature ${end}`);
      await client.expect("GET", `manifests/${tag}`, pulled(signature));
    }
    await client.expect("GET", "manifests/1", pulled(image));
  });

  it("cosign pushes a signature before what it signs", async () => {
    const client = served.client("signed/later");
    await client.pushBlob(EMPTY);
    const image = imageOf({ config: "config of later", layers: [] });
    const signature = referrerOf(image, { artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json" });
    await client.expect("PUT", `manifests/${signature.digest}`, pushed(signature), pushes(signature));
    assert.deepEqual(digestsIn(await client.send("GET", `referrers/${image.digest}`)), [signature.digest]);
    await client.pushBlob("config of later");
    await client.expect("PUT", "manifests/1", pushed(image), pushes(image));
  });

  it("buildkit keeps its cache in an index of layers", async () => {
    const client = served.client("cache/app");
    for (const blob of [LAYER, CONFIG]) await client.pushBlob(blob);
    const cache = indexOf([], {
      manifests: [
        descriptorOf(LAYER, "application/vnd.oci.image.layer.v1.tar+gzip"),
        descriptorOf(CONFIG, "application/vnd.buildkit.cacheconfig.v0"),
      ],
    });
    await client.expect("PUT", "manifests/cache", pushed(cache), pushes(cache));
    await client.expect("GET", "manifests/cache", pulled(cache));
  });

  it("buildkit sends blobs of one image at the same time, also the same blob", async () => {
    const client = served.client("parallel/app");
    const blobs = Array.from({ length: 16 }, (_, index) => `layer ${index % 8}`);
    await Promise.all(blobs.map((blob) => client.pushBlob(blob)));
    const image = imageOf({ config: "layer 0", layers: blobs.slice(0, 8) });
    await client.expect("PUT", "manifests/1", pushed(image), pushes(image));
  });

  it("a refusal arrives although a large body is still on its way", async () => {
    const body = Buffer.alloc(32 * 1024 * 1024);
    const session = "blobs/uploads/12345678-1234-1234-1234-123456789012";
    const requests: [string, string, number][] = [
      ["PATCH", `/v2/early/${session}`, 404],
      ["PUT", `/v2/early/${session}?digest=${config}`, 404],
      ["PUT", `/v2/early/${session}`, 400],
      ["POST", "/v2/early/blobs/uploads/?digest=md5:abc", 400],
      ["PUT", "/v2/EARLY/manifests/1", 400],
      ["PUT", "/v2/early/tags/list", 405],
    ];
    for (const [method, path, status] of requests) {
      const answer: Answer = await ask(served.origin(), method, path, { body });
      assert.equal(answer.status, status, `${method} ${path}`);
    }
  });
});
