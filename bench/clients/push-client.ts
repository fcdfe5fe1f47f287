import { createHash, type Hash, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import type { Content, ContentFile } from "../content/content.ts";
import { MANIFEST, manifestOf } from "../content/manifest.ts";
import { type Latency, latencyOf } from "../measure/latency.ts";
import { type Connection, openConnection } from "./connection.ts";

/** What a push client prints when it is done, as JSON: how long each image or blob took, and all of them. */
export interface PushResult extends Latency {
  readonly seconds: number;
}

/**
 * Pushes to a registry as containerd does: HEAD, POST and PUT for each blob, HEAD and PUT for a manifest. All bytes and
 * digests are there before the clock starts, except with `content`, which is there to fill a registry.
 *
 * Usage: push-client.js blobs ORIGIN put|patch SIZE CONNECTIONS
 *        push-client.js images ORIGIN COUNT CONNECTIONS
 *        push-client.js content ORIGIN FILE (of JSON: Content)
 */
async function main([what = "", origin = "", ...args]: readonly string[]): Promise<void> {
  const push = PREPARE[what]?.(args) ?? [];
  const connections = await Promise.all(push.map(() => openConnection(origin)));
  const started = performance.now();
  await Promise.all(connections.map((connection, index) => push[index]?.(connection)));
  const result: PushResult = { ...latencyOf(times), seconds: (performance.now() - started) / 1000 };
  for (const connection of connections) connection.end();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

const times: number[] = [];

async function timed(push: Promise<void>): Promise<void> {
  const started = performance.now();
  await push;
  times.push(performance.now() - started);
}

type Push = (connection: Connection) => Promise<void>;

interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly parts: Iterable<Uint8Array>;
}

const PART = 1024 * 1024;
/** Of one PATCH: what most clients that send pieces take is smaller, what docker takes is everything. */
const PIECE = 64 * PART;
const LAYERS = 3;
const SMALL = 4096;

function prepareBlobs([how = "put", size = "0", connections = "1"]: readonly string[]): Push[] {
  const body = Array<Buffer>(Number(size) / PART - 1).fill(randomBytes(PART));
  const common = createHash("sha256");
  for (const part of body) common.update(part);
  return Array.from({ length: Number(connections) }, (_, index) => {
    // Different ends make different blobs, and the long beginning is hashed once.
    const blob = blobOf([...body, randomBytes(PART)], common.copy());
    return (connection) => timed(pushBlob(connection, `bench/large-${index}`, blob, how === "patch"));
  });
}

function prepareImages([count = "1", connections = "1"]: readonly string[]): Push[] {
  const images = Array.from({ length: Number(count) }, (_, index) => imageOf(index));
  let next = 0;
  return Array.from({ length: Number(connections) }, () => async (connection) => {
    for (let image = images[next++]; image; image = images[next++]) await timed(pushImage(connection, image));
  });
}

/** As it is, image after image. */
function prepareContent([file = ""]: readonly string[]): Push[] {
  const { images } = JSON.parse(readFileSync(file, "utf8")) as Content;
  return [
    async (connection) => {
      for (const { repository: name, tag, manifest, blobs } of images) {
        const image = { name, tag, blobs: blobs.map(fileBlob), manifest: readFileSync(manifest.path) };
        await timed(pushImage(connection, image));
      }
    },
  ];
}

const fileBlob = ({ digest, size, path }: ContentFile): Blob => ({ digest, size, parts: partsOf(path) });

function* partsOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (;;) {
      const part = Buffer.allocUnsafe(PART);
      const length = readSync(file, part, 0, PART, null);
      if (length === 0) return;
      yield part.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

const PREPARE: Readonly<Record<string, (args: readonly string[]) => Push[]>> = {
  blobs: prepareBlobs,
  images: prepareImages,
  content: prepareContent,
};

interface Image {
  readonly name: string;
  readonly tag: string;
  readonly blobs: readonly Blob[];
  readonly manifest: Buffer;
}

function imageOf(index: number): Image {
  const layers = Array.from({ length: LAYERS }, () => blobOf([randomBytes(SMALL)]));
  const config = blobOf([Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", number: index }))]);
  const manifest = manifestOf(config, layers);
  return { name: `bench/image-${index}`, tag: "latest", blobs: [config, ...layers], manifest };
}

function blobOf(parts: readonly Buffer[], common?: Hash): Blob {
  const hash = common ?? createHash("sha256");
  for (const part of common ? parts.slice(-1) : parts) hash.update(part);
  return { digest: `sha256:${hash.digest("hex")}`, size: parts.reduce((sum, { length }) => sum + length, 0), parts };
}

async function pushImage(connection: Connection, { name, tag, blobs, manifest }: Image): Promise<void> {
  for (const blob of blobs) await pushBlob(connection, name, blob, false);
  const path = `/v2/${name}/manifests/${tag}`;
  expect(await connection.ask([head("HEAD", path)], { hasBody: false }), 404);
  expect(await connection.ask([head("PUT", path, manifest.length, `Content-Type: ${MANIFEST}\r\n`), manifest]), 201);
}

async function pushBlob(connection: Connection, name: string, blob: Blob, inPieces: boolean): Promise<void> {
  const { digest, size, parts } = blob;
  expect(await connection.ask([head("HEAD", `/v2/${name}/blobs/${digest}`)], { hasBody: false }), 404);
  let answer = await connection.ask([head("POST", `/v2/${name}/blobs/uploads/`, 0)]);
  let path = locationOf(expect(answer, 202));
  const all = inPieces ? [...parts] : [];
  const perPiece = PIECE / PART;
  for (let first = 0; first < all.length; first += perPiece) {
    const piece = all.slice(first, first + perPiece);
    const start = first * PART;
    const bytes = piece.length * PART;
    const fields = `Content-Type: application/octet-stream\r\nContent-Range: ${start}-${start + bytes - 1}\r\n`;
    answer = await connection.ask([head("PATCH", path, bytes, fields), ...piece]);
    path = locationOf(expect(answer, 202));
  }
  const last = inPieces ? [] : parts;
  const url = `${path}${path.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
  const fields = "Content-Type: application/octet-stream\r\n";
  expect(await connection.ask([head("PUT", url, inPieces ? 0 : size, fields), ...last]), 201);
}

const head = (method: string, path: string, length?: number, fields = ""): Buffer =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: registry\r\n${fields}` +
      `${length === undefined ? "" : `Content-Length: ${length}\r\n`}\r\n`,
  );

function locationOf(answer: { header(name: string): string | undefined }): string {
  const { pathname, search } = new URL(answer.header("location") ?? "", "http://registry");
  return pathname + search;
}

function expect<A extends { readonly status: number }>(answer: A, status: number): A {
  if (answer.status !== status) throw new Error(`The server answered ${answer.status}, not ${status}`);
  return answer;
}

await main(process.argv.slice(2));
