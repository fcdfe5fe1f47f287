import { join } from "node:path";
import { inUse, RegistryError } from "../../errors.ts";
import type { Digest } from "../../reference.ts";
import type { Deleter } from "../../registry.ts";
import { findRepository, type Holdings, sizeIn } from "./holdings.ts";
import type { RepositoryState } from "./repositories.ts";
import { userOf, usesOf } from "./uses.ts";

/**
 * What can be taken out of a data folder: names. The bytes go with the collection. What is in memory follows the disk at
 * once, and only the answer waits until it is durable.
 */
export function deleterOf(holdings: Holdings, { deleteInUse }: { deleteInUse: boolean }): Deleter {
  const { disk, layout, files, locks, repositories, manifests, tags } = holdings;

  const assertUnused = async (state: RepositoryState, digest: Digest): Promise<void> => {
    // What is damaged is of no use to anything.
    if (deleteInUse || (state.manifests.has(digest) && !(await manifests.read(state.name, digest)))) return;
    const uses = await usesOf(state, manifests);
    if (!uses) throw new RegistryError("UNSUPPORTED", "a manifest of this repository is damaged; push it again first");
    const user = userOf(uses, digest);
    if (user) throw inUse(digest, user);
  };
  /**
   * From now on nobody may need these, however long ago they came: who deleted by mistake has the grace to think again.
   * Without it they can be deleted all the same, so a disk that fails here is not heard of.
   */
  const beginGrace = async (state: RepositoryState, parts: readonly { readonly digest: Digest }[]): Promise<void> => {
    for (const { digest } of parts) {
      const size = state.blobs.get(digest);
      if (size !== undefined) await disk.touch(layout.membership(state.name, digest, size)).catch(() => {});
    }
  };
  const alone = async (name: string, action: (state: RepositoryState) => Promise<void>): Promise<void> => {
    await findRepository(holdings, name);
    await locks.alone(name, async () => action(await findRepository(holdings, name)));
  };

  return {
    deleteBlob: (name, digest) =>
      alone(name, async (state) => {
        const size = sizeIn(state, digest);
        await assertUnused(state, digest);
        await files.erase(layout.membership(name, digest, size));
        state.blobs.delete(digest);
        repositories.changed(state);
        await files.settleFolder(layout.memberships(name));
        await removeIfEmpty(holdings, state);
      }),
    deleteManifest: (name, digest) =>
      alone(name, async (state) => {
        if (!state.manifests.has(digest)) throw new RegistryError("MANIFEST_UNKNOWN", digest);
        await assertUnused(state, digest);
        const manifest = await manifests.read(name, digest);
        await beginGrace(state, manifest?.parts ?? []);
        // Also without tags: one that was moved away from it, and not durably, must not come back to find nothing.
        await tags.remove(state, await tags.of(state, digest));
        await files.erase(layout.manifest(name, digest));
        state.manifests.delete(digest);
        state.uses?.delete(digest);
        manifests.forget(name, digest);
        repositories.changed(state);
        await files.settleFolder(layout.manifests(name));
        // A mark of a manifest that is gone says nothing, so it need not be gone for good.
        if (manifest?.subject) await files.erase(layout.referrer(name, manifest.subject, digest));
        await removeIfEmpty(holdings, state);
      }),
    deleteTag: (name, tag) =>
      alone(name, async (state) => {
        if (!state.tags.has(tag)) throw new RegistryError("MANIFEST_UNKNOWN", tag);
        await tags.remove(state, [tag]);
      }),
  };
}

/** Removes the folders of a repository that holds nothing any more. Whoever calls is alone in it. */
export async function removeIfEmpty({ disk, layout, files }: Holdings, state: RepositoryState): Promise<void> {
  if (state.blobs.size > 0 || state.manifests.size > 0) return;
  const { name } = state;
  const subjects = layout.subjects(name);
  for (const subject of await disk.list(subjects)) {
    const referrers = join(subjects, subject);
    for (const digest of await disk.list(referrers)) await files.erase(join(referrers, digest));
    await files.eraseFolder(referrers);
  }
  const kinds = [layout.memberships(name), layout.manifests(name), layout.tags(name), subjects];
  for (const folder of kinds) await files.eraseFolder(folder);
  const folder = layout.repository(name);
  if (await files.eraseFolder(folder)) await files.settle(folder);
}
