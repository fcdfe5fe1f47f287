/** Keeps what is used, up to a number of bytes. */
export interface ByteCache<T> {
  get(key: string): T | undefined;
  set(key: string, value: T, bytes: number): void;
  delete(key: string): void;
}

/**
 * What was used since it was last in danger of being dropped gets another chance: as good as dropping what was used
 * longest ago, and to use something costs no more than to find it.
 */
export function byteCache<T>(limit: number): ByteCache<T> {
  const entries = new Map<string, { readonly value: T; readonly bytes: number; used: boolean }>();
  let total = 0;
  const remove = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entry.used = true;
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      entries.set(key, { value, bytes, used: false });
      total += bytes;
      for (const [oldest, entry] of entries) {
        if (total <= limit) break;
        entries.delete(oldest);
        // A Map keeps the order of insertion, and what is inserted on the way is still to come.
        if (entry.used) entries.set(oldest, { ...entry, used: false });
        else total -= entry.bytes;
      }
    },
    delete: remove,
  };
}
