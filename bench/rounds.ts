/** How long a run takes and how much it is worth. */
export interface Effort {
  readonly rounds: number;
  /** Of load on one server in one round. */
  readonly seconds: number;
}

/** The middle of several measurements, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Measures each contestant once per round (A B C, A B C, ...), so that whatever else the machine does meets all of them
 * alike. Gives the measurements of each contestant, in the order of the rounds.
 */
export async function interleave<Name extends string, T>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contestants) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results[name].push(await contestants[name]());
  }
  return results;
}

/** Of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const last = sorted.length - 1;
  return { median: (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2, min: at(0), max: at(last) };
}

/** One figure of two contestants. */
export interface Comparison {
  readonly registry: Spread;
  readonly bare: Spread;
  /** Of the registry to the bare server. */
  readonly ratio: Spread;
}

/** Compares round by round: two measurements a second apart had the same machine, the medians of a run perhaps not. */
export function compare<T>(registry: readonly T[], bare: readonly T[], figureOf: (measured: T) => number): Comparison {
  const values = registry.map(figureOf);
  const base = bare.map(figureOf);
  const ratios = values.map((value, round) => value / (base[round] ?? Number.NaN));
  return { registry: spreadOf(values), bare: spreadOf(base), ratio: spreadOf(ratios) };
}
