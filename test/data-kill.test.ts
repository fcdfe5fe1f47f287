import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { type Digest, digestOf, parseTag, type Tag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { orElse } from "../registry/soon.ts";
import { chunksOf } from "./support/images.ts";
import { memoryFolder } from "./support/power-disk.ts";
import { remote } from "./support/remote.ts";
import { projectRoot } from "./support/root.ts";
import { randomFrom } from "./support/simulation.ts";
import { all } from "./support/world.ts";

const SERVER = join(projectRoot(), "dist/test/support/data-server.js");
const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const TAGS = ["1", "1.0", "latest"].map(parseTag);

interface Running {
  readonly child: ChildProcess;
  readonly registry: Registry;
  /** How long the store took to open, in ms. */
  readonly opened: number;
}

const launch = (folder: string, mode: string): ChildProcess =>
  spawn(process.execPath, [SERVER, folder, mode], { stdio: ["pipe", "pipe", "inherit"] });

async function start(folder: string, mode: string): Promise<Running> {
  const child = launch(folder, mode);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [line] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => ["{}"])]);
  const { port, opened } = JSON.parse(line) as { port?: number; opened?: number };
  assert.ok(port !== undefined && opened !== undefined, "it ended before it listened");
  return { child, registry: remote(`http://127.0.0.1:${port}`), opened };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** A client with a repository of its own, and what it was told. Undefined stands for what is not there. */
class Client {
  readonly repository: string;
  readonly #acknowledge: () => void;
  readonly #random: () => number;
  readonly #tags = new Map<Tag, Digest | undefined>();
  /** What the request that is under way would make of a tag. */
  readonly #underWay = new Map<Tag, Digest | undefined>();
  readonly #manifests = new Set<Digest>();
  /** Acknowledged since the last start: older ones may have been collected. */
  readonly #blobs = new Set<Digest>();
  #number = 0;

  constructor(repository: string, seed: number, acknowledge: () => void) {
    this.repository = repository;
    this.#acknowledge = acknowledge;
    this.#random = randomFrom(seed);
  }

  /** One thing after the other until the server is gone. Rejects when it refuses something. */
  async work(registry: Registry, isGone: () => boolean): Promise<void> {
    try {
      for (;;) await this.#act(registry);
    } catch (error) {
      if (!isGone() || error instanceof RegistryError) throw error;
    }
  }

  async #act(registry: Registry): Promise<void> {
    const tag = TAGS[Math.floor(this.#random() * TAGS.length)] ?? parseTag("1");
    const target = this.#tags.get(tag);
    const dice = this.#random();
    if (target && dice < 0.15) return this.#change([tag], undefined, () => registry.deleteTag(this.repository, tag));
    if (target && dice < 0.3) return this.#delete(registry, target);
    await this.#push(registry, tag);
  }

  async #delete(registry: Registry, digest: Digest): Promise<void> {
    const tags = TAGS.filter((tag) => this.#tags.get(tag) === digest);
    this.#manifests.delete(digest);
    await this.#change(tags, undefined, () => registry.deleteManifest(this.repository, digest));
  }

  async #push(registry: Registry, tag: Tag): Promise<void> {
    const parts = [this.#bytes(300), this.#bytes(40_000), Buffer.from("a layer that all have")];
    const [config, ...layers] = await Promise.all(parts.map((part) => this.#upload(registry, part)));
    const manifest = { schemaVersion: 2, mediaType: IMAGE, config, layers };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes);
    await this.#change([tag], digest, async () => {
      await registry.pushManifest(this.repository, { mediaType: IMAGE, bytes }, [tag]);
      this.#manifests.add(digest);
    });
  }

  async #upload(registry: Registry, bytes: Buffer) {
    const digest = digestOf(bytes);
    const upload = await registry.startUpload(this.repository);
    await upload.commit(digest, { body: chunksOf(bytes) });
    this.#blobs.add(digest);
    this.#acknowledge();
    return { mediaType: "application/octet-stream", digest, size: bytes.length };
  }

  async #change(tags: readonly Tag[], value: Digest | undefined, request: () => Promise<void>): Promise<void> {
    for (const tag of tags) this.#underWay.set(tag, value);
    await request();
    for (const tag of tags) this.#tags.set(tag, value);
    this.#underWay.clear();
    this.#acknowledge();
  }

  /** What was acknowledged is there; what was under way is there or not; everything is whole. */
  async verify(registry: Registry): Promise<void> {
    const listed = await all(registry.listTags(this.repository)).catch(unlessUnknown<Tag[]>([]));
    for (const tag of TAGS) {
      const found = await orElse(() => registry.getManifest(this.repository, tag), unlessUnknown(undefined));
      const digest = found?.descriptor.digest;
      const allowed = [this.#tags.get(tag), ...(this.#underWay.has(tag) ? [this.#underWay.get(tag)] : [])];
      assert.ok(
        allowed.includes(digest),
        `${this.repository}:${tag} is ${digest} and should be ${allowed.join(" or ")}`,
      );
      assert.equal(listed.includes(tag), digest !== undefined, `${this.repository}:${tag} in the list`);
      this.#tags.set(tag, digest);
      if (digest) this.#manifests.add(digest);
    }
    this.#underWay.clear();
    for (const digest of this.#manifests) await pull(registry, this.repository, digest);
    for (const digest of this.#blobs) await pullBlob(registry, this.repository, digest);
    this.#blobs.clear();
  }

  #bytes(size: number): Buffer {
    return Buffer.alloc(size, `${this.repository} ${this.#number++} ${this.#random()} `);
  }
}

function unlessUnknown<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof RegistryError && /^(MANIFEST|NAME)_UNKNOWN$/.test(error.code)) return value;
    throw error;
  };
}

async function pull(registry: Registry, repository: string, digest: Digest): Promise<void> {
  const { bytes } = await registry.getManifest(repository, digest);
  assert.equal(digestOf(bytes), digest);
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString());
  for (const part of [config, ...layers]) await pullBlob(registry, repository, part.digest);
}

async function pullBlob(registry: Registry, repository: string, digest: Digest): Promise<void> {
  const { body } = await registry.getBlob(repository, digest);
  assert.equal(digestOf(await readAll(streamOf(body))), digest);
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills the server again and again, at any moment, and looks after each start whether it kept its word. */
async function killAgainAndAgain(context: TestContext, cycles: number, seed: number, mode = "") {
  const folder = memoryFolder();
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const random = randomFrom(seed);
  let acknowledged = 0;
  let enough = { at: 0, reached: () => {} };
  const acknowledge = () => {
    if (++acknowledged === enough.at) enough.reached();
  };
  const clients = [1, 2, 3].map((number) => new Client(`client/${number}`, seed + number, acknowledge));
  let slowest = 0;
  const live = async ({ child, registry }: Running): Promise<void> => {
    for (const client of clients) await client.verify(registry);
    child.stdin?.write("collect\n");
    let isGone = false;
    const working = Promise.all(clients.map((client) => client.work(registry, () => isGone)));
    // After some answers, and then in the middle of whatever comes next.
    const count = acknowledged + 1 + Math.floor(random() * 20);
    const reached = new Promise<void>((resolve) => {
      enough = { at: count, reached: resolve };
    });
    await Promise.race([reached, working]);
    await Promise.race([wait(random() * 10), working]);
    isGone = true;
    await kill(child);
    await working;
  };
  for (let cycle = 0; cycle < cycles; cycle++) {
    if (random() < 0.1) {
      const early = launch(folder, mode);
      await wait(random() * 500);
      await kill(early);
    }
    const running = await start(folder, mode);
    slowest = Math.max(slowest, running.opened);
    try {
      await live(running);
    } finally {
      await kill(running.child);
    }
  }
  const last = await start(folder, mode);
  try {
    for (const client of clients) await client.verify(last.registry);
  } finally {
    await kill(last.child);
  }
  return { cycles, seed, acknowledged, slowestOpening: Math.round(slowest) };
}

describe("a server that is killed while three push, move tags and delete, and it collects", () => {
  const cycles = Number(process.env["OCIREGISTRY_CYCLES"] ?? 8);
  const seed = Number(process.env["OCIREGISTRY_SEED"] ?? Date.now() % 2 ** 31);

  it("has after each start what it acknowledged, and tags that can be pulled whole", async (context) => {
    context.diagnostic(`seed ${seed}`);
    context.diagnostic(JSON.stringify(await killAgainAndAgain(context, cycles, seed)));
  });

  it("would be found out if it wrote over what is there", async (context) => {
    await assert.rejects(killAgainAndAgain(context, 60, 1, "in-place"));
  });
});
