import assert from "node:assert/strict";
import { readAll, streamOf } from "../../registry/content.ts";
import { RegistryError } from "../../registry/errors.ts";
import { type Digest, digestOf, parseTag, type Reference, type Tag } from "../../registry/reference.ts";
import type { List, Registry } from "../../registry/registry.ts";
import type { Soon } from "../../registry/soon.ts";

/** Few of each, so that what happens in a test meets itself. Names that begin with one another are here on purpose. */
export const REPOSITORIES: readonly string[] = ["app", "app-two", "app/three"];
export const TAGS: readonly Tag[] = ["1", "1.0", "latest"].map(parseTag);

export interface Blob {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

export interface Manifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  /** What has to be in the repository for it. */
  readonly blobs: readonly Digest[];
  readonly manifests: readonly Digest[];
}

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

export const BLOBS: readonly Blob[] = [0, 1, 300, 5_000, 70_000, 1_200_000].map((size, index) => {
  const bytes = Buffer.alloc(size, `${index}, said again and again. `);
  return { bytes, digest: digestOf(bytes) };
});

function image(blobs: readonly number[], subject?: Manifest): Manifest {
  const [config, ...layers] = blobs
    .flatMap((index) => BLOBS[index] ?? [])
    .map(({ bytes, digest }) => ({
      mediaType: "application/octet-stream",
      digest,
      size: bytes.length,
    }));
  const about = subject && { mediaType: IMAGE, digest: subject.digest, size: subject.bytes.length };
  return manifestOf({ schemaVersion: 2, mediaType: IMAGE, config, layers, subject: about }, { blobs, manifests: [] });
}

const indexOf = (manifests: readonly Manifest[]): Manifest =>
  manifestOf(
    {
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: manifests.map(({ mediaType, digest, bytes }) => ({ mediaType, digest, size: bytes.length })),
    },
    { blobs: [], manifests },
  );

function manifestOf(
  json: { schemaVersion: 2; mediaType: string; subject?: { digest: Digest } | undefined } & Record<string, unknown>,
  parts: { blobs: readonly number[]; manifests: readonly Manifest[] },
): Manifest {
  const bytes = Buffer.from(JSON.stringify(json));
  return {
    mediaType: json.mediaType,
    bytes,
    digest: digestOf(bytes),
    subject: json.subject?.digest,
    blobs: parts.blobs.flatMap((index) => BLOBS[index]?.digest ?? []),
    manifests: parts.manifests.map(({ digest }) => digest),
  };
}

const FIRST = image([1, 2, 3]);
const SECOND = image([2, 3, 4]);
const THIRD = image([0, 5]);
const BOTH = indexOf([FIRST, SECOND]);

/** Images that share layers, what refers to them, an index, an index of an index, and an index of nothing. */
export const MANIFESTS: readonly Manifest[] = [
  FIRST,
  SECOND,
  THIRD,
  image([1, 1], FIRST),
  image([0], SECOND),
  BOTH,
  indexOf([BOTH, THIRD]),
  indexOf([]),
];

export const manifestWith = (digest: Digest): Manifest => {
  const found = MANIFESTS.find((each) => each.digest === digest);
  assert.ok(found);
  return found;
};

/** What a registry holds, as a client sees it: a key for each thing that can be asked for, and what it is. */
export type View = ReadonlyMap<string, string>;

export const keyOf = {
  blob: (repository: string, digest: Digest) => `blob ${repository} ${digest}`,
  manifest: (repository: string, digest: Digest) => `manifest ${repository} ${digest}`,
  tag: (repository: string, tag: Tag) => `tag ${repository} ${tag}`,
};

/**
 * Asks a registry for everything. Holds what has to hold at every moment: bytes are those of their digest, each manifest
 * that is there can be pulled whole, each tag means one that is there, and the lists say what is there.
 */
export async function look(registry: Registry): Promise<View> {
  const view = new Map<string, string>();
  for (const repository of REPOSITORIES) await lookAt(registry, repository, view);
  assertWhole(view);
  const filled = REPOSITORIES.filter((name) => [...view.keys()].some((key) => key.split(" ")[1] === name));
  assert.deepEqual(await all(registry.listRepositories()), [...filled].sort(), "the list of repositories");
  return view;
}

async function lookAt(registry: Registry, repository: string, view: Map<string, string>): Promise<void> {
  for (const { digest, bytes } of BLOBS) {
    const found = await known(() => registry.getBlob(repository, digest));
    if (!found) continue;
    assert.ok((await readAll(streamOf(found.body))).equals(bytes), `the bytes of ${digest} in ${repository}`);
    view.set(keyOf.blob(repository, digest), "there");
  }
  const manifest = async (reference: Reference) => {
    const found = await known(() => registry.getManifest(repository, reference));
    if (!found) return undefined;
    const { mediaType, bytes } = manifestWith(found.descriptor.digest);
    assert.ok(Buffer.from(found.bytes).equals(bytes), `the bytes of ${reference} in ${repository}`);
    assert.equal(found.descriptor.mediaType, mediaType);
    return found.descriptor.digest;
  };
  for (const { digest } of MANIFESTS) {
    if (await manifest(digest)) view.set(keyOf.manifest(repository, digest), "there");
  }
  for (const tag of TAGS) {
    const target = await manifest(tag);
    if (target) view.set(keyOf.tag(repository, tag), target);
  }
  const there = MANIFESTS.filter(({ digest }) => view.has(keyOf.manifest(repository, digest)));
  const tags = TAGS.filter((tag) => view.has(keyOf.tag(repository, tag)));
  assert.deepEqual(await known(() => all(registry.listTags(repository))).then((list) => list ?? []), [...tags].sort());
  for (const { digest } of MANIFESTS) {
    const listed = (await all(registry.listReferrers(repository, digest))).map((each) => each.digest);
    const expected = there.filter(({ subject }) => subject === digest).map((each) => each.digest);
    assert.deepEqual(listed.sort(), expected.sort(), `what refers to ${digest} in ${repository}`);
  }
}

function assertWhole(view: View): void {
  for (const [key, value] of view) {
    const [kind = "", repository = "", name = ""] = key.split(" ");
    if (kind === "tag") assert.ok(view.has(keyOf.manifest(repository, value as Digest)), `${key} means nothing`);
    if (kind !== "manifest") continue;
    const { blobs, manifests } = manifestWith(name as Digest);
    for (const blob of blobs) assert.ok(view.has(keyOf.blob(repository, blob)), `${key} lacks ${blob}`);
    for (const child of manifests) assert.ok(view.has(keyOf.manifest(repository, child)), `${key} lacks ${child}`);
  }
}

const MISSING: ReadonlySet<string> = new Set(["BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);

/** Undefined for what is not there. */
async function known<T>(ask: () => Soon<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RegistryError && MISSING.has(error.code)) return undefined;
    throw error;
  }
}

export async function all<T>(list: List<T>): Promise<T[]> {
  const entries: T[] = [];
  for await (const piece of list) entries.push(...piece);
  return entries;
}
