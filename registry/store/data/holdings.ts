import { RegistryError } from "../../errors.ts";
import type { Digest, Reference } from "../../reference.ts";
import { refersByDigest } from "../../reference.ts";
import { type Soon, whenHere } from "../../soon.ts";
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
export const findRepository = ({ repositories }: Holdings, name: string): Soon<RepositoryState> =>
  whenHere(repositories.find(name), (state) => {
    if (!state) throw new RegistryError("NAME_UNKNOWN", name);
    return state;
  });

/** The size of a blob that the repository has. Throws BLOB_UNKNOWN. */
export function sizeIn(state: RepositoryState, digest: Digest): number {
  const size = state.blobs.get(digest);
  if (size === undefined) throw new RegistryError("BLOB_UNKNOWN", digest);
  return size;
}

/** Throws NAME_UNKNOWN, MANIFEST_UNKNOWN. */
export function findManifest(holdings: Holdings, name: string, reference: Reference): Soon<StoredManifest> {
  const { manifests, tags } = holdings;
  return whenHere(findRepository(holdings, name), (state) =>
    whenHere(refersByDigest(reference) ? reference : tags.read(state, reference), (digest) => {
      const isListed = digest !== undefined && state.manifests.has(digest);
      return whenHere(isListed ? manifests.read(name, digest) : undefined, (stored) => {
        if (stored) return stored;
        const damaged = isListed || (!refersByDigest(reference) && state.tags.has(reference));
        throw new RegistryError("MANIFEST_UNKNOWN", damaged ? `${reference} is damaged; push it again` : reference, {
          damaged,
        });
      });
    }),
  );
}
