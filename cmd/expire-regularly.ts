import type { DataStore } from "../registry/store/data/data-store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Gives up uploads that nobody has continued for `expiry` ms, whether garbage is collected or not: it is looked for them as
 * often as that, but not more than once in a minute nor less than once in an hour. Returns what ends it.
 */
export function expireRegularly(
  { expire }: Pick<DataStore, "expire">,
  expiry: number,
  { onExpired, onError }: { onExpired: (uploads: number) => void; onError: (error: unknown) => void },
): () => void {
  const interval = Math.min(Math.max(expiry, MINUTE), HOUR);
  const look = (): void => {
    expire().then((uploads) => {
      if (uploads > 0) onExpired(uploads);
    }, onError);
  };
  const timer = setInterval(look, interval);
  timer.unref();
  return () => clearInterval(timer);
}
