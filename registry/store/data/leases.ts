/**
 * What a client is about to use is not collected under its hands: to say that a blob is there, to take one in or to mount
 * one keeps the blobs of that repository for a while, whatever the grace. In memory only: reads never write.
 */
export interface Leases {
  renew(repository: string): void;
  /** Whether the repository was used lately. */
  isHeld(repository: string): boolean;
  /** The moment (ms) since when a use keeps a repository. */
  since(): number;
}

/** From the last blob of a push to its manifest, in ms. While a blob is being sent the repository is kept anyway. */
const LEASE = 10_000;

export function leases(now: () => number): Leases {
  /** The one used last stands at the end. */
  const used = new Map<string, number>();
  const since = (): number => now() - LEASE;
  return {
    renew(repository) {
      used.delete(repository);
      used.set(repository, now());
      // Only those that are over, however many there are: clients may name as many as they like.
      for (const [name, at] of used) {
        if (at >= since()) break;
        used.delete(name);
      }
    },
    isHeld: (repository) => (used.get(repository) ?? Number.NEGATIVE_INFINITY) >= since(),
    since,
  };
}
