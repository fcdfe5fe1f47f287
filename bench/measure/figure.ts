import { mapValues, type Results } from "./rounds.ts";

/** One line of a result: a value of each contestant in each round. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  /** By the name of the contestant. Only what was measured is there. */
  readonly values: Results<number>;
  readonly targets?: readonly Target[];
}

/** What the project wants to reach. */
export interface Target {
  /** What the target is part of, in the words of the table of targets. */
  readonly goal: string;
  /** Whose value it is; without it, that of ociregistry. */
  readonly who?: string;
  /** With it, the limit is of the ratio to this contestant. */
  readonly to?: string;
  readonly is: "at least" | "at most";
  readonly limit: number;
}

/** A figure of what was measured. */
export function figure<T>(
  what: string,
  unit: string,
  results: Results<T>,
  read: (measured: T) => number,
  targets: readonly Target[] = [],
): Figure {
  const values = mapValues(results, (measured) => measured.map(read));
  return { what, unit, values, ...(targets.length > 0 && { targets }) };
}

/** Names of contestants that are there in any case. */
export const OURS = "ociregistry";
export const NO_NATIVE = "ociregistry --no-native";
export const NO_SYNC = "ociregistry --no-sync";
export const WORKERS = "ociregistry --workers 2";
export const BARE = "bare node:http";
