import type { Digest } from "../../reference.ts";
import type { Manifests } from "./manifests.ts";
import type { RepositoryState } from "./repositories.ts";

/** What is made of more parts than this (about 2 MB) is read again each time, so that nobody fills the memory with it. */
const KEPT_LIMIT = 20_000;

/**
 * What each manifest of a repository is made of. Read once and kept up to date afterwards, because only deleting and
 * collecting ask. Undefined when a manifest cannot be read: then nothing can be said to be unused.
 */
export async function usesOf(
  state: RepositoryState,
  manifests: Manifests,
): Promise<ReadonlyMap<Digest, readonly Digest[]> | undefined> {
  if (state.uses) return state.uses;
  const uses = new Map<Digest, readonly Digest[]>();
  for (const digest of state.manifests) {
    const manifest = await manifests.read(state.name, digest);
    if (manifest) uses.set(digest, partsOf(manifest));
    else if (state.manifests.has(digest)) return undefined;
  }
  // Some may have been deleted while others were read.
  for (const digest of uses.keys()) if (!state.manifests.has(digest)) uses.delete(digest);
  let parts = 0;
  for (const each of uses.values()) parts += each.length;
  if (parts <= KEPT_LIMIT) state.uses = uses;
  return uses;
}

export const partsOf = ({ parts }: { readonly parts: readonly { readonly digest: Digest }[] }): Digest[] =>
  parts.map(({ digest }) => digest);

/** The manifest that is made of this; undefined when there is none. */
export function userOf(uses: ReadonlyMap<Digest, readonly Digest[]>, digest: Digest): Digest | undefined {
  for (const [user, parts] of uses) if (parts.includes(digest)) return user;
  return undefined;
}
