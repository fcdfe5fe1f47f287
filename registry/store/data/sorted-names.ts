import { indexAfter, piecesAfter } from "../../lists.ts";

/** Names in byte order, each once. Names here are ASCII, of which JavaScript's own order is the byte order. */
export interface SortedNames<T extends string> {
  has(name: T): boolean;
  add(name: T): void;
  delete(name: T): void;
  /** Those after `name`, which need not be there. What is added or removed meanwhile may be missing or be there. */
  after(name: string): Generator<readonly T[]>;
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
    after: (name) => piecesAfter(order, name),
  };
}
