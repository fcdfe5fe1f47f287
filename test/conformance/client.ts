import assert from "node:assert/strict";
import { createBackend } from "../../api/backend.ts";
import { operationFor } from "../../api/router.ts";
import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { type Digest, digestOf, type HashAlgorithm } from "../../registry/reference.ts";
import { assertDeclared } from "../support/declared.ts";
import { type Answer, ask, errorOf } from "../support/server.ts";

const api = await createBackend();

/** What a request sends. A body with `chunked` goes without its length. */
export interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly chunked?: boolean;
}

/** What an answer has to be. A header that is `undefined` must not be there. */
export interface Expected {
  readonly status: number;
  readonly code?: string;
  readonly headers?: Record<string, string | RegExp | undefined>;
  readonly body?: string | Uint8Array;
}

/** A manifest that was pushed, or is about to be. */
export interface Manifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: Digest;
}

/** An image with its parts, pushed. */
export interface Image extends Manifest {
  readonly config: Buffer;
  readonly layer: Buffer;
}

/** One repository of a server, and everything that a client can ask of it; each answer has to be a declared one. */
export interface Client {
  readonly name: string;
  /** The same server, another repository. */
  in(name: string): Client;
  /** A path below `/v2/<name>/`, or a whole one that begins with a slash. */
  send(method: string, path: string, sent?: Sent): Promise<Answer>;
  /** Sends, and holds the answer against what is expected. */
  expect(method: string, path: string, expected: Expected, sent?: Sent): Promise<Answer>;
  pushBlob(bytes: Uint8Array | string, algorithm?: HashAlgorithm): Promise<Digest>;
  pushManifest(manifest: Manifest, reference?: string): Promise<Answer>;
  /** An image of its own for each text. */
  pushImage(tag?: string, text?: string): Promise<Image>;
  /** Opens a session and gives its location. */
  startUpload(query?: string): Promise<string>;
}

export function clientOf(origin: string, name: string): Client {
  const client: Client = {
    name,
    in: (other) => clientOf(origin, other),
    async send(method, path, { headers = {}, body, chunked = false } = {}) {
      const url = path.startsWith("/") ? path : `/v2/${name}/${path}`;
      const answer = await ask(origin, method, url, {
        headers: { ...headers, ...(chunked ? { "Transfer-Encoding": "chunked" } : {}) },
        ...(body === undefined ? {} : { body }),
      });
      const match = api.match(url);
      const operation = match && (operationFor(match, method) ?? Object.values(match.operations)[0]);
      if (operation?.operationId) assertDeclared(operation.operationId, method, answer);
      return answer;
    },
    async expect(method, path, expected, sent) {
      const answer = await client.send(method, path, sent);
      assertAnswer(answer, expected, `${method} ${path.slice(0, 120)}`);
      return answer;
    },
    async pushBlob(bytes, algorithm = "sha256") {
      const digest = digestOf(Buffer.from(bytes), algorithm);
      await client.expect("POST", `blobs/uploads/?digest=${digest}`, { status: 201 }, { body: bytes });
      return digest;
    },
    pushManifest: ({ mediaType, bytes, digest }, reference = digest) =>
      client.send("PUT", `manifests/${reference}`, { headers: { "Content-Type": mediaType }, body: bytes }),
    async pushImage(tag, text = `${name}:${tag}`) {
      const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, note: text }));
      const layer = Buffer.from(`the layer of ${text}`);
      for (const blob of [config, layer]) await client.pushBlob(blob);
      const manifest = imageOf({ config, layers: [layer] });
      assert.equal((await client.pushManifest(manifest, tag)).status, 201);
      return { ...manifest, config, layer };
    },
    async startUpload(query = "") {
      const { headers } = await client.expect("POST", `blobs/uploads/${query}`, { status: 202 });
      return headers.location ?? "";
    },
  };
  return client;
}

function assertAnswer(answer: Answer, { status, code, headers = {}, body }: Expected, what: string): void {
  assert.equal(answer.status, status, `${what}: ${answer.body.toString().slice(0, 300)}`);
  if (code !== undefined && answer.body.length > 0) assert.equal(errorOf(answer).code, code, what);
  for (const [name, value] of Object.entries(headers)) {
    const actual = answer.headers[name];
    if (value instanceof RegExp) assert.match(String(actual), value, `${what}: ${name}`);
    else assert.equal(actual, value, `${what}: ${name}`);
  }
  if (body !== undefined) assert.deepEqual(answer.body, Buffer.from(body), what);
}

export const descriptorOf = (bytes: Uint8Array | string, mediaType = "application/octet-stream") => {
  const content = Buffer.from(bytes);
  return { mediaType, digest: digestOf(content), size: content.length };
};

/** A manifest with these fields, as JSON. Fields of `json` win, and `undefined` leaves one out. */
export function manifestOf(json: Record<string, unknown>, algorithm: HashAlgorithm = "sha256"): Manifest {
  const mediaType = typeof json["mediaType"] === "string" ? json["mediaType"] : MEDIA_TYPES.ociManifest;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...json }));
  return { mediaType, bytes, digest: digestOf(bytes, algorithm) };
}

/** The manifest of an image; `more` are further fields of it. */
export const imageOf = (
  { config, layers }: { config: Uint8Array | string; layers: readonly (Uint8Array | string)[] },
  more: Record<string, unknown> = {},
): Manifest =>
  manifestOf({
    mediaType: MEDIA_TYPES.ociManifest,
    config: descriptorOf(config, "application/vnd.oci.image.config.v1+json"),
    layers: layers.map((layer) => descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar+gzip")),
    ...more,
  });

export const indexOf = (children: readonly Manifest[], more: Record<string, unknown> = {}): Manifest =>
  manifestOf({
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: children.map(({ mediaType, digest, bytes }) => ({ mediaType, digest, size: bytes.length })),
    ...more,
  });

/** The empty blob of image-spec, for artifacts that need no config. */
export const EMPTY = "{}";
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";

/** An artifact about `subject`, whose parts are the empty blob; that has to be in the repository. */
export const referrerOf = (subject: Pick<Manifest, "mediaType" | "bytes" | "digest">, more: Record<string, unknown>) =>
  manifestOf({
    config: descriptorOf(EMPTY, EMPTY_TYPE),
    layers: [descriptorOf(EMPTY, EMPTY_TYPE)],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.length },
    ...more,
  });

/** The digests in the index that an answer is. */
export const digestsIn = ({ body }: Answer): string[] =>
  JSON.parse(body.toString()).manifests.map(({ digest }: { digest: string }) => digest);

/** Where the next page is. */
export const nextOf = ({ headers }: Answer): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(String(headers["link"] ?? ""))?.[1];
