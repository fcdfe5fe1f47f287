/** Names in byte order, each once. Names here are ASCII, of which JavaScript's own order is the byte order. */
export interface SortedNames<T extends string> {
  has(name: T): boolean;
  add(name: T): void;
  delete(name: T): void;
  /** Those after `name`, which need not be there. What is added or removed meanwhile may be missing or be there. */
  after(name: string): Generator<T>;
}

export function sortedNames<T extends string>(initial: Iterable<T> = []): SortedNames<T> {
  const known = new Set(initial);
  let sorted: T[] | undefined;
  const order = (): T[] => {
    sorted ??= [...known].sort((a, b) => (a < b ? -1 : 1));
    return sorted;
  };
  return {
    has: (name) => known.has(name),
    add(name) {
      if (known.has(name)) return;
      known.add(name);
      sorted?.splice(indexAfter(sorted, name), 0, name);
    },
    delete(name) {
      if (known.delete(name)) sorted?.splice(indexAfter(sorted, name) - 1, 1);
    },
    *after(name) {
      let last: string = name;
      for (let index = indexAfter(order(), last); ; index++) {
        const names = order();
        // Names were added or removed before it.
        if (index > 0 && names[index - 1] !== last) index = indexAfter(names, last);
        const next = names[index];
        if (next === undefined) return;
        yield next;
        last = next;
      }
    },
  };
}

/** The index of the first name that comes after this one. */
function indexAfter(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
