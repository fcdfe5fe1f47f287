/*
 * Lists that pass their entries on without work of their own. A generator in each layer costs several turns of the queue
 * for each entry, which is most of what a list of ten thousand tags takes.
 */

/** What is in memory, as a list. */
export function listOf<T>(entries: Iterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = entries[Symbol.iterator]();
      return { next: async () => iterator.next() };
    },
  };
}

/** A list that is decided upon when its first entry is asked for, which is also when it may refuse. */
export function later<T>(decide: () => Promise<AsyncIterable<T>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let decided: AsyncIterator<T> | undefined;
      const first = async (): Promise<IteratorResult<T>> => {
        decided = (await decide())[Symbol.asyncIterator]();
        return decided.next();
      };
      return {
        next: () => decided?.next() ?? first(),
        return: async () => (await decided?.return?.()) ?? END,
      };
    },
  };
}

/** The rest of a list that has made its first step. */
export function continued<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let step: IteratorResult<T> | undefined = first;
      return {
        next() {
          if (!step) return rest.next();
          const result = Promise.resolve(step);
          step = undefined;
          return result;
        },
        return: async () => (await rest.return?.()) ?? END,
      };
    },
  };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
