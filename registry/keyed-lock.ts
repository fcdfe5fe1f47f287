/** One after the other for each key: whoever comes later waits. */
export interface KeyedLock {
  run<T>(key: string, action: () => Promise<T>): Promise<T>;
}

export function keyedLock(): KeyedLock {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(key, action) {
      const result = (last.get(key) ?? Promise.resolve()).then(action, action);
      const settled = result.catch(() => {});
      last.set(key, settled);
      try {
        return await result;
      } finally {
        if (last.get(key) === settled) last.delete(key);
      }
    },
  };
}
