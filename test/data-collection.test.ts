import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import type { Descriptor, Registry } from "../registry/registry.ts";
import type { Soon } from "../registry/soon.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { chunksOf, temporaryFolder } from "./support/images.ts";
import { randomFrom } from "./support/simulation.ts";
import { all } from "./support/world.ts";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const REPOSITORIES = ["base", "team/one", "team/two"];
const HOUR = 3_600_000;

/** Layers that all share. */
const LAYERS = Array.from({ length: 6 }, (_, index) => Buffer.alloc(2_000, `layer ${index} `));

const describeBytes = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** What a pusher knows to be acknowledged: its tags, each by repository and name, and what they mean. */
type Acknowledged = Map<string, string>;

interface Pusher {
  readonly name: string;
  readonly random: () => number;
  readonly acknowledged: Acknowledged;
  /** Manifests that only this pusher knows. */
  readonly own: { repository: string; digest: ReturnType<typeof digestOf> }[];
}

/** As a client does it: asks for each blob, mounts it, or sends it; then the manifest. */
async function pushImage(registry: Registry, pusher: Pusher, repository: string, number: number): Promise<Descriptor> {
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", by: `${pusher.name} ${number}` }));
  const layers = LAYERS.filter(() => pusher.random() < 0.5);
  for (const blob of [config, ...layers]) await bring(registry, pusher, repository, blob);
  const manifest = {
    schemaVersion: 2,
    mediaType: IMAGE,
    config: describeBytes("application/vnd.oci.image.config.v1+json", config),
    layers: layers.map((layer) => describeBytes("application/vnd.oci.image.layer.v1.tar", layer)),
  };
  return put(registry, pusher, repository, IMAGE, manifest, `${pusher.name}-${number % 3}`);
}

async function bring(registry: Registry, pusher: Pusher, repository: string, blob: Buffer): Promise<void> {
  const digest = digestOf(blob);
  await pause(pusher);
  if (await there(() => registry.statBlob(repository, digest))) return;
  const from = REPOSITORIES[Math.floor(pusher.random() * REPOSITORIES.length)] ?? "base";
  if (pusher.random() < 0.5 && (await there(() => registry.mountBlob(repository, digest, { from })))) return;
  const upload = await registry.startUpload(repository);
  await upload.append({ body: chunksOf(blob.subarray(0, 5)) });
  await pause(pusher);
  await upload.commit(digest, { body: chunksOf(blob.subarray(5)) });
}

async function put(
  registry: Registry,
  pusher: Pusher,
  repository: string,
  mediaType: string,
  manifest: unknown,
  tag: string,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  await pause(pusher);
  const { descriptor } = await registry.pushManifest(repository, { mediaType, bytes }, [parseTag(tag)]);
  pusher.acknowledged.set(`${repository} ${tag}`, descriptor.digest);
  pusher.own.push({ repository, digest: descriptor.digest });
  return descriptor;
}

async function there(ask: () => Soon<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof RegistryError && /^(BLOB|NAME)_UNKNOWN$/.test(error.code)) return false;
    throw error;
  }
}

/** Some turns of the event loop, so that everybody meets everybody at every point. */
async function pause({ random }: Pusher): Promise<void> {
  for (let turns = Math.floor(random() * 6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
}

async function work(registry: Registry, pusher: Pusher, round: number): Promise<void> {
  const repository = REPOSITORIES[Math.floor(pusher.random() * REPOSITORIES.length)] ?? "base";
  const first = await pushImage(registry, pusher, repository, 2 * round);
  const second = await pushImage(registry, pusher, repository, 2 * round + 1);
  const inner = { schemaVersion: 2, mediaType: INDEX, manifests: [first, second] };
  const index = await put(registry, pusher, repository, INDEX, inner, `${pusher.name}-inner`);
  const outer = { schemaVersion: 2, mediaType: INDEX, manifests: [index, first] };
  await put(registry, pusher, repository, INDEX, outer, `${pusher.name}-outer`);
  await forgetSome(registry, pusher);
}

/** Deletes what only this pusher has, the newest first, because what is a part of another is refused. */
async function forgetSome(registry: Registry, pusher: Pusher): Promise<void> {
  const many = Math.floor(pusher.random() * pusher.own.length);
  for (const { repository, digest } of pusher.own.splice(pusher.own.length - many).reverse()) {
    for (const [key, target] of pusher.acknowledged) {
      if (target === digest && key.startsWith(`${repository} `)) pusher.acknowledged.delete(key);
    }
    await registry.deleteManifest(repository, digest).catch((error) => {
      // Pushed twice, and deleted already; or a part of something that is kept.
      if (!(error instanceof RegistryError && /^(MANIFEST_UNKNOWN|NAME_UNKNOWN|UNSUPPORTED)$/.test(error.code)))
        throw error;
    });
  }
}

/** Pulls every tag whole. Returns the digests of all blobs on the way. */
async function pullAll(registry: Registry): Promise<{ tags: Acknowledged; blobs: Set<string> }> {
  const tags: Acknowledged = new Map();
  const blobs = new Set<string>();
  const pull = async (repository: string, reference: Parameters<Registry["getManifest"]>[1]): Promise<string> => {
    const { bytes, descriptor } = await registry.getManifest(repository, reference);
    const { config, layers = [], manifests = [] } = JSON.parse(Buffer.from(bytes).toString());
    for (const { digest } of config ? [config, ...layers] : []) {
      const { body } = await registry.getBlob(repository, digest);
      assert.equal(digestOf(await readAll(streamOf(body))), digest);
      blobs.add(digest);
    }
    for (const { digest } of manifests) await pull(repository, digest);
    return descriptor.digest;
  };
  for (const repository of await all(registry.listRepositories())) {
    for (const tag of await all(registry.listTags(repository))) {
      tags.set(`${repository} ${tag}`, await pull(repository, tag));
    }
  }
  return { tags, blobs };
}

interface Outcome {
  pushes: number;
  collections: number;
  collected: number;
}

async function collectBesidePushers(
  context: TestContext,
  rounds: number,
  { leases }: { leases: boolean },
): Promise<Outcome> {
  const root = temporaryFolder(context);
  let time = Date.now() + HOUR;
  // Without leases: whenever somebody looks at the clock, all of them have run out.
  const now = () => {
    if (!leases) time += 20_000;
    return time;
  };
  const store = await openDataStore(root, { now, sync: false });
  const { registry } = store;
  const pushers = Array.from(
    { length: 8 },
    (_, index): Pusher => ({
      name: `p${index}`,
      random: randomFrom(index + 1),
      acknowledged: new Map(),
      own: [],
    }),
  );
  const outcome = { pushes: 0, collections: 0, collected: 0 };
  let isOver = false;
  const collecting = (async () => {
    while (!isOver) {
      const { unlinked, problems } = await store.collect({ grace: 0 });
      assert.deepEqual(problems, []);
      outcome.collections++;
      outcome.collected += unlinked;
    }
  })();
  try {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(pushers.map((pusher) => work(registry, pusher, round)));
      outcome.pushes += 4 * pushers.length;
      const { tags } = await pullAll(registry);
      const acknowledged = new Map(pushers.flatMap((pusher) => [...pusher.acknowledged]));
      assert.deepEqual([...tags].sort(), [...acknowledged].sort());
      time += 11_000;
    }
  } finally {
    isOver = true;
    await collecting;
  }
  time += 11_000;
  for (let again = 0; again < 3; again++) await store.collect({ grace: 0 });
  await assertNoGarbage(registry, root);
  await store.close();
  return outcome;
}

/** Manifests that no tag means are kept, so what is stored is what some manifest is made of. */
async function assertNoGarbage(registry: Registry, root: string): Promise<void> {
  const needed = new Set<string>();
  for (const name of await all(registry.listRepositories())) {
    const folder = join(root, "repositories", name.replaceAll("/", "+"), "manifests");
    for (const file of readdirSync(folder)) {
      const { bytes } = await registry.getManifest(name, file.replace("-", ":") as ReturnType<typeof digestOf>);
      const { config, layers = [] } = JSON.parse(Buffer.from(bytes).toString());
      for (const { digest } of config ? [config, ...layers] : []) needed.add(digest.slice("sha256:".length));
    }
  }
  const stored = readdirSync(join(root, "blobs"), { recursive: true, encoding: "utf8" })
    .map((name) => name.split("/")[2])
    .filter((name) => name !== undefined);
  assert.deepEqual(stored.sort(), [...needed].sort());
  for (const folder of ["trash", "uploads", "tmp"]) assert.deepEqual(readdirSync(join(root, folder)), [], folder);
}

describe("collecting beside eight who push, share, move and delete", () => {
  const rounds = Number(process.env["OCIREGISTRY_ROUNDS"] ?? 12);

  it("takes nothing that anybody needs, and in the end everything else", async (context) => {
    const outcome = await collectBesidePushers(context, rounds, { leases: true });
    assert.ok(outcome.collected > 0);
    context.diagnostic(JSON.stringify(outcome));
  });

  it("would take what is about to be used, if it were not for leases", async (context) => {
    await assert.rejects(collectBesidePushers(context, 40, { leases: false }), /MANIFEST_BLOB_UNKNOWN|does not have/);
  });
});
