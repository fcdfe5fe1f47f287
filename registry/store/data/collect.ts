import { join } from "node:path";
import { type Digest, digestFrom, isDigest } from "../../reference.ts";
import { removeIfEmpty } from "./deleter.ts";
import type { Disk } from "./disk.ts";
import type { Holdings } from "./holdings.ts";
import { type Layout, trashNamedBy } from "./layout.ts";
import type { RepositoryState } from "./repositories.ts";
import type { Uploads } from "./uploads.ts";
import { usesOf } from "./uses.ts";

/** What was collected, or with `dryRun` would be. */
export interface Collection {
  /** Blobs that left a repository, because no manifest of it is made of them. */
  readonly unlinked: number;
  /** Blobs that no repository has any more, and their bytes. They lie in the trash until they are `grace` old again. */
  readonly trashed: number;
  readonly bytes: number;
  /** Blobs that were removed for good. */
  readonly removed: number;
  /** Uploads that were given up. */
  readonly expired: number;
  /** Why something was left alone. */
  readonly problems: readonly string[];
}

export interface CollectOptions {
  /** How old (ms) what is collected has to be. */
  readonly grace: number;
  readonly dryRun?: boolean;
  /** Hears of each repository out of which something was taken, and is waited for before the bytes are moved away. */
  readonly onUnlinked?: (repository: string) => Promise<void>;
}

export interface Collector {
  /** One at a time: who asks while one runs waits for it, and then has one of its own. */
  collect(options: CollectOptions): Promise<Collection>;
  /**
   * To be called when a repository has got a blob, while the blob is still held: a collection that looked at the repository
   * before then learns of it before it may touch the bytes.
   */
  linked(digest: Digest): void;
}

export interface CollectorParts extends Holdings {
  readonly uploads: Pick<Uploads, "isActive" | "expire">;
  readonly now: () => number;
  /** Throws when the folder is not ours any more: asked before each, because one may have waited long. */
  readonly assertOurs: () => void;
}

/**
 * Finds what nobody needs, while others push and pull. A repository is locked only for as long as something is taken out
 * of it; whatever cannot be read keeps all that it might need; and before bytes are moved away it is looked once more,
 * with that blob held, whether somebody has taken it in meanwhile.
 */
export function collector(parts: CollectorParts): Collector {
  let last: Promise<unknown> = Promise.resolve();
  /** Blobs that were taken in since the collection began. */
  let linked: Set<Digest> | undefined;
  const run = async (options: CollectOptions): Promise<Collection> => {
    parts.assertOurs();
    linked = new Set();
    return collect(parts, options, linked).finally(() => {
      linked = undefined;
    });
  };

  return {
    collect(options) {
      const own = last.then(() => run(options));
      last = own.catch(() => {});
      return own;
    },
    linked: (digest) => void linked?.add(digest),
  };
}

async function collect(
  parts: CollectorParts,
  options: CollectOptions,
  linked: ReadonlySet<Digest>,
): Promise<Collection> {
  const problems: string[] = [];
  const expired = options.dryRun ? 0 : await parts.uploads.expire();
  const { layout } = parts;
  const { grace } = options;
  const emptied = await empty(parts, options, { folder: layout.trash, age: grace });
  const removed = emptied + (await empty(parts, options, { folder: layout.quarantine, age: Math.max(grace, WEEK) }));
  const live = new Set<Digest>();
  let unlinked = 0;
  for (const name of parts.repositories.allNames()) {
    const state = await parts.repositories.find(name);
    if (!state) continue;
    const taken = await collectRepository(parts, options, state, problems);
    unlinked += taken.size;
    for (const digest of state.blobs.keys()) if (!taken.has(digest)) live.add(digest);
  }
  const { trashed, bytes } = await collectBytes(parts, options, (digest) => live.has(digest) || linked.has(digest));
  return { unlinked, trashed, bytes, removed, expired, problems };
}

/** How long damaged bytes are kept for whoever wants to know what happened to the disk, in ms. */
const WEEK = 7 * 24 * 60 * 60 * 1000;

/** Removes the blobs for good that have lain in a folder for `age` ms. Returns how many. */
async function empty(
  { disk, now, files, blobs }: CollectorParts,
  { dryRun }: CollectOptions,
  { folder, age }: { readonly folder: string; readonly age: number },
): Promise<number> {
  let removed = 0;
  for (const name of await disk.list(folder)) {
    const trashed = trashNamedBy(name);
    if (!trashed || trashed.since > now() - age) continue;
    await blobs.hold(trashed.digest, async () => {
      const path = join(folder, name);
      // It may have been taken back meanwhile.
      if (dryRun ? await disk.stat(path) : await files.erase(path)) removed++;
    });
  }
  return removed;
}

/** Takes out of a repository what none of its manifests is made of. Returns what was taken, or would be. */
async function collectRepository(
  parts: CollectorParts,
  options: CollectOptions,
  state: RepositoryState,
  problems: string[],
): Promise<Set<Digest>> {
  const { name } = state;
  const { locks, files, layout, repositories } = parts;
  const unused = await unusedBlobs(parts, options, state);
  if (!unused) problems.push(`${name}: a manifest cannot be read, so all its blobs are kept`);
  if (!unused || unused.length === 0 || isInUse(parts, name)) return new Set();
  if (options.dryRun) return new Set(unused.map(([digest]) => digest));
  return locks.alone(name, async () => {
    // Somebody may have pushed since the first look, and what was in memory then may be no more.
    const current = await repositories.find(name);
    const found = current && (await unusedBlobs(parts, options, current));
    // A manifest whose removal failed half way must not come back to find its blobs gone.
    await files.settleFolder(layout.manifests(name));
    // After the last wait: a client that asks from here on is told that it is not there, and sends it again.
    if (!current || !found || isInUse(parts, name)) return new Set();
    const taken = new Map(found);
    for (const digest of taken.keys()) current.blobs.delete(digest);
    const left = new Map(taken);
    try {
      for (const [digest, size] of taken) {
        await files.erase(layout.membership(name, digest, size));
        left.delete(digest);
      }
    } finally {
      for (const [digest, size] of left) current.blobs.set(digest, size);
      repositories.changed(current);
      if (left.size < taken.size) await options.onUnlinked?.(name);
    }
    await files.settleFolder(layout.memberships(name));
    await removeIfEmpty(parts, current);
    return new Set(taken.keys());
  });
}

const isInUse = ({ leases, uploads }: CollectorParts, name: string): boolean =>
  leases.isHeld(name) || uploads.isActive(name, leases.since());

/** Undefined when that cannot be said. */
async function unusedBlobs(
  { disk, layout, manifests, now }: CollectorParts,
  { grace }: CollectOptions,
  state: RepositoryState,
): Promise<[Digest, number][] | undefined> {
  const uses = await usesOf(state, manifests);
  if (!uses) return undefined;
  const used = new Set([...uses.values()].flat());
  const unused: [Digest, number][] = [];
  for (const [digest, size] of state.blobs) {
    if (used.has(digest)) continue;
    const file = grace > 0 ? await disk.stat(layout.membership(state.name, digest, size)) : undefined;
    if (!file || file.modified <= now() - grace) unused.push([digest, size]);
  }
  return unused;
}

/** Moves the bytes of blobs that no repository has to the trash. */
async function collectBytes(
  { disk, layout, files, blobs, now }: CollectorParts,
  { grace, dryRun }: CollectOptions,
  isNeeded: (digest: Digest) => boolean,
): Promise<{ trashed: number; bytes: number }> {
  let trashed = 0;
  let bytes = 0;
  for await (const digest of storedBlobs(disk, layout)) {
    if (isNeeded(digest)) continue;
    const path = layout.blob(digest);
    await blobs.hold(digest, async () => {
      const file = await disk.stat(path);
      if (!file || isNeeded(digest) || file.modified > now() - grace) return;
      if (!dryRun) {
        // From now on the grace counts anew. Its name says so, because a change of its times would end running pulls.
        const trash = layout.trashed(digest, now());
        await files.place(path, trash);
        await files.settle(path, trash);
      }
      trashed++;
      bytes += file.size;
    });
  }
  return { trashed, bytes };
}

/** Every blob whose bytes are there. */
export async function* storedBlobs(disk: Disk, layout: Layout): AsyncGenerator<Digest> {
  for (const algorithm of await disk.list(layout.blobs)) {
    for (const shard of await disk.list(join(layout.blobs, algorithm))) {
      for (const hex of await disk.list(join(layout.blobs, algorithm, shard))) {
        if (isDigest(`${algorithm}:${hex}`)) yield digestFrom(algorithm, hex);
      }
    }
  }
}
