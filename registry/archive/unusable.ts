/** Why something in the folder is not served, in words for the person who put it there: what is wrong, what to do. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

/** A reason that passes without anybody changing the archive, so it is looked at again. */
export class Passing extends Unusable {}

/** What could be read of several things, and the reasons why the others could not. */
export interface ReadEach<R> {
  readonly read: readonly R[];
  readonly problems: readonly string[];
}

/** Reads each of several things, of which a broken one hides no good one. Throws what passes: later it is read whole. */
export function tryEach<T, R>(things: readonly T[], read: (thing: T) => R): ReadEach<R> {
  const results: R[] = [];
  const problems: string[] = [];
  for (const thing of things) {
    try {
      results.push(read(thing));
    } catch (error) {
      if (!(error instanceof Unusable) || error instanceof Passing) throw error;
      problems.push(error.message);
    }
  }
  return { read: results, problems };
}

/** The same, when at least one has to be good. Throws Unusable, with the first reason, when none is. */
export function readEach<T, R>(things: readonly T[], read: (thing: T) => R): ReadEach<R> {
  const result = tryEach(things, read);
  const [first] = result.problems;
  if (first !== undefined && result.read.length === 0) throw new Unusable(first);
  return result;
}
