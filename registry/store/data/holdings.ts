import { RegistryError } from "../../errors.ts";
import type { Digest, Reference } from "../../reference.ts";
import { refersByDigest } from "../../reference.ts";
import type { Blobs } from "./blobs.ts";
import type { Disk } from "./disk.ts";
import type { Durable } from "./durable.ts";
import type { Layout } from "./layout.ts";
import type { Leases } from "./leases.ts";
import type { Manifests, StoredManifest } from "./manifests.ts";
import type { Repositories, RepositoryState } from "./repositories.ts";
import type { SharedLock } from "./shared-lock.ts";
import type { Tags } from "./tags.ts";

/** All that a data folder holds, and what is needed to change it. */
export interface Holdings {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly files: Durable;
  /** By repository: who adds shares, who removes is alone. */
  readonly locks: SharedLock;
  readonly leases: Leases;
  readonly repositories: Repositories;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly blobs: Blobs;
}

/** Throws NAME_UNKNOWN. */
export async function findRepository({ repositories }: Holdings, name: string): Promise<RepositoryState> {
  const state = await repositories.find(name);
  if (!state) throw new RegistryError("NAME_UNKNOWN", name);
  return state;
}

/** The size of a blob that the repository has. Throws BLOB_UNKNOWN. */
export function sizeIn(state: RepositoryState, digest: Digest): number {
  const size = state.blobs.get(digest);
  if (size === undefined) throw new RegistryError("BLOB_UNKNOWN", digest);
  return size;
}

/** Throws NAME_UNKNOWN, MANIFEST_UNKNOWN. */
export async function findManifest(holdings: Holdings, name: string, reference: Reference): Promise<StoredManifest> {
  const { repositories, manifests, tags } = holdings;
  // Nearly always all of it is in memory, and each turn of the queue less is a fiftieth of the whole answer.
  const found = repositories.find(name);
  const state = found instanceof Promise ? await found : found;
  if (!state) throw new RegistryError("NAME_UNKNOWN", name);
  const meant = refersByDigest(reference) ? reference : tags.read(state, reference);
  const digest = meant instanceof Promise ? await meant : meant;
  const isListed = digest !== undefined && state.manifests.has(digest);
  const stored = isListed ? manifests.read(name, digest) : undefined;
  const known = stored instanceof Promise ? await stored : stored;
  if (!known) {
    const damaged = isListed || (!refersByDigest(reference) && state.tags.has(reference));
    throw new RegistryError("MANIFEST_UNKNOWN", damaged ? `${reference} is damaged; push it again` : reference, {
      damaged,
    });
  }
  return known;
}
