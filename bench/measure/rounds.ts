/** How long a run takes and how much it is worth. */
export interface Effort {
  readonly rounds: number;
  /** Of load on one server in one round. */
  readonly seconds: number;
  /** Only the scenarios and sizes that say most. */
  readonly quick: boolean;
}

/** What was measured of each contestant, in the order of the rounds. */
export type Results<T> = Readonly<Record<string, readonly T[]>>;

/**
 * Measures each contestant once per round (A B C, A B C, ...), so that whatever else the machine does meets all of them
 * alike. A contestant that gives undefined has nothing to measure and is left out, as is one that fails: that is said, and
 * the others go on.
 */
export async function interleave<T>(
  rounds: number,
  contestants: Readonly<Record<string, () => Promise<T | undefined>>>,
): Promise<Results<T>> {
  const results = new Map<string, T[]>();
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(contestants).filter(([name]) => !failed.has(name))) {
      try {
        const measured = await measure();
        if (measured !== undefined) results.set(name, [...(results.get(name) ?? []), measured]);
      } catch (error) {
        failed.add(name);
        results.delete(name);
        sayLeftOut(name, error);
      }
    }
  }
  return Object.fromEntries(results);
}

/** Why a contestant is not measured, for whoever watches; the others go on. */
export function sayLeftOut(name: string, error: unknown): void {
  process.stderr.write(`${name} is left out: ${error instanceof Error ? error.message : error}\n`);
}

/** The same names with other values. */
export const mapValues = <T, U>(
  values: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Record<string, U> => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
