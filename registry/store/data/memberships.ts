import { RegistryError } from "../../errors.ts";
import type { Digest } from "../../reference.ts";
import type { Holdings } from "./holdings.ts";
import type { RepositoryState } from "./repositories.ts";
import type { Publish } from "./uploads.ts";

/** Gives repositories their blobs. What they have got survives everything when these return. */
export interface Memberships {
  /** Makes a blob out of a complete and synced file, and gives it to a repository. */
  readonly publish: Publish;
  /** Gives a repository a blob whose bytes are there. Throws BLOB_UNKNOWN when they are not. */
  mount(name: string, digest: Digest, size: number): Promise<void>;
}

/** `onLinked` hears of each blob that a repository has got, before anybody may collect it. */
export function membershipsIn(holdings: Holdings, onLinked: (digest: Digest) => void): Memberships {
  const { layout, files, locks, leases, repositories, blobs } = holdings;

  /** The blob has to be held, and the repository's lock shared. */
  const link = async (state: RepositoryState, digest: Digest, size: number): Promise<void> => {
    // First, so that a repository that has it after a crash can read it.
    await files.settle(layout.blob(digest));
    const membership = layout.membership(state.name, digest, size);
    try {
      await files.mark(membership);
      await files.settle(membership);
    } catch (error) {
      if (!state.blobs.has(digest)) await files.erase(membership).catch(() => {});
      throw error;
    }
    state.blobs.set(digest, size);
    onLinked(digest);
    repositories.changed(state);
  };

  return {
    publish: (name, file, digest, size) =>
      locks.shared(name, async () => {
        leases.renew(name);
        await blobs.hold(digest, async () => {
          const { path, isNew } = await blobs.adopt(file, digest, size);
          try {
            await link(await repositories.findOrCreate(name), digest, size);
          } catch (error) {
            // No repository has it, and what fills the disk may be just this.
            if (isNew) await files.erase(path).catch(() => {});
            throw error;
          }
        });
      }),
    mount: (name, digest, size) =>
      locks.shared(name, () =>
        blobs.hold(digest, async () => {
          if ((await blobs.sizeOf(digest)) !== size) throw new RegistryError("BLOB_UNKNOWN", digest);
          await link(await repositories.findOrCreate(name), digest, size);
        }),
      ),
  };
}
