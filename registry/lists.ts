import type { List } from "./registry.ts";

/** How many entries of a long list come at a time: few enough that who wants a short page waits for no more. */
export const PIECE = 1000;

/** The entries one by one, for whoever has to wait for something else with each of them. */
export async function* entriesOf<T>(list: List<T>): AsyncGenerator<T> {
  for await (const piece of list) yield* piece;
}

/**
 * The names after `after`, which need not be there. `sorted` gives them in the order of JavaScript, which for names, being
 * ASCII, is the byte order. It is asked again for each piece, so they may change meanwhile.
 */
export function* piecesAfter<T extends string>(sorted: () => readonly T[], after: string): Generator<readonly T[]> {
  for (let last: string | undefined = after; last !== undefined; ) {
    const names = sorted();
    const start = indexAfter(names, last);
    const piece = names.slice(start, start + PIECE);
    yield piece;
    last = piece.at(-1);
  }
}

/** The index of the first name that comes after this one. */
export function indexAfter(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
