import type { Registry } from "../registry.ts";

/**
 * A registry that says of each repository that it has changed, and waits until everybody has heard it, before the change
 * is acknowledged. What only adds content that nobody could have seen before is not said. A change that failed may have
 * been made in part, so it is said, too.
 */
export function announced(next: Registry, changed: (repository: string) => Promise<void>): Registry {
  const announce = async <T>(repository: string, change: Promise<T>): Promise<T> => {
    try {
      return await change;
    } finally {
      await changed(repository);
    }
  };
  return {
    ...next,
    pushManifest: (repository, ...rest) => announce(repository, next.pushManifest(repository, ...rest)),
    deleteBlob: (repository, digest) => announce(repository, next.deleteBlob(repository, digest)),
    deleteManifest: (repository, digest) => announce(repository, next.deleteManifest(repository, digest)),
    deleteTag: (repository, tag) => announce(repository, next.deleteTag(repository, tag)),
  };
}
