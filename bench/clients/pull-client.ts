import { createHash, type Hash } from "node:crypto";
import { connect } from "node:net";
import { PULLED, pulledRepository, TAG } from "../content/content.ts";
import { MANIFEST } from "../content/manifest.ts";
import { type Latency, latencyOf } from "../measure/latency.ts";
import { headerIn } from "./header.ts";

/** What a pull client prints when it is done, as JSON: how long each image took, and all of them. */
export interface PullResult extends Latency {
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Pulls whole images as a container runtime does: HEAD of the tag, the manifest by its digest, then the configuration and
 * each layer, one after the other on one connection. Every body is hashed, and each hash must be what was asked for. After
 * the seconds, each of the clients ends the image that it is at.
 *
 * Usage: pull-client.js ORIGIN CLIENTS SECONDS
 */
async function main([origin = "", clients = "1", seconds = "1"]: readonly string[]): Promise<void> {
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const times: number[] = [];
  let bytes = 0;
  const one = async (first: number): Promise<void> => {
    const connection = openHashing(origin);
    for (let index = first; elapsed() < Number(seconds); index++) {
      const asked = performance.now();
      bytes += await pullImage(connection, pulledRepository(index % PULLED));
      times.push(performance.now() - asked);
    }
    connection.end();
  };
  await Promise.all(Array.from({ length: Number(clients) }, (_, index) => one(index)));
  const result: PullResult = { ...latencyOf(times), bytes, seconds: elapsed() };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Gives the bytes of the bodies. */
async function pullImage(connection: Hashing, name: string): Promise<number> {
  const tag = await connection.ask("HEAD", `/v2/${name}/manifests/${TAG}`);
  // What is no registry does not say the digest, so the second question is by tag, too.
  const reference = tag.digest ?? TAG;
  const manifest = await connection.ask("GET", `/v2/${name}/manifests/${reference}`, true);
  if (tag.digest !== undefined && manifest.hash !== tag.digest) throw new Error(`${name} has another manifest`);
  const { config, layers } = JSON.parse(manifest.body.toString()) as Manifest;
  let bytes = manifest.body.length;
  for (const { digest, size } of [config, ...layers]) {
    const { hash } = await connection.ask("GET", `/v2/${name}/blobs/${digest}`);
    if (hash !== digest) throw new Error(`${digest} has the hash ${hash}`);
    bytes += size;
  }
  return bytes;
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

interface HashedAnswer {
  readonly digest: string | undefined;
  readonly hash: string;
  /** Empty unless it was wanted. */
  readonly body: Buffer;
}

interface Hashing {
  ask(method: string, path: string, keep?: boolean): Promise<HashedAnswer>;
  end(): void;
}

/** All connections read into the same memory, and nobody looks at it again: far less work than node:http. */
const BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

/** What is known of an answer of which not everything has come. */
interface Coming {
  readonly digest: string | undefined;
  readonly hash: Hash;
  readonly kept: Buffer[] | undefined;
  left: number;
}

function openHashing(origin: string): Hashing {
  const { hostname, port, host } = new URL(origin);
  let wanted: { resolve(answer: HashedAnswer): void; reject(error: Error): void } | undefined;
  let coming: Coming | undefined;
  let asked = { hasBody: true, keep: false };
  let head = Buffer.alloc(0);
  const take = (piece: Buffer): void => {
    let body = piece;
    if (!coming) {
      head = Buffer.concat([head, piece]);
      const end = head.indexOf("\r\n\r\n") + 4;
      if (end < 4) return;
      coming = comingOf(head.toString("latin1", 0, end), asked);
      body = head.subarray(end);
      head = Buffer.alloc(0);
    }
    coming.left -= body.length;
    coming.hash.update(body);
    // A copy: the memory is used again.
    coming.kept?.push(Buffer.from(body));
    if (coming.left > 0) return;
    const { digest, hash, kept } = coming;
    coming = undefined;
    wanted?.resolve({ digest, hash: `sha256:${hash.digest("hex")}`, body: Buffer.concat(kept ?? []) });
  };
  const callback = (length: number): boolean => {
    try {
      take(BUFFER.subarray(0, length));
    } catch (error) {
      wanted?.reject(error as Error);
    }
    return true;
  };
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: BUFFER, callback } });
  const fail = (error?: Error): void => wanted?.reject(error ?? new Error("The server closed the connection"));
  socket.on("error", fail);
  socket.on("close", () => fail());
  return {
    ask: (method, path, keep = false) =>
      new Promise((resolve, reject) => {
        wanted = { resolve, reject };
        asked = { hasBody: method !== "HEAD", keep };
        socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${MANIFEST}\r\n\r\n`);
      }),
    end: () => void socket.destroy(),
  };
}

function comingOf(head: string, { hasBody, keep }: { hasBody: boolean; keep: boolean }): Coming {
  if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`Not the answer: ${head}`);
  const length = headerIn(head, "content-length");
  if (hasBody && length === undefined) throw new Error(`No length: ${head}`);
  return {
    digest: headerIn(head, "docker-content-digest"),
    hash: createHash("sha256"),
    kept: keep ? [] : undefined,
    left: hasBody ? Number(length) : 0,
  };
}

await main(process.argv.slice(2));
