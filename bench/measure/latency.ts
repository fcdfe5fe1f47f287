import { type Figure, figure, type Target } from "./figure.ts";
import type { Results } from "./rounds.ts";
import { percentileOf } from "./statistics.ts";

/** How long each of many took, in ms. */
export interface Latency {
  /** How many there were. */
  readonly count: number;
  /** Of 100, so many take longer than this: 50, 1, and one of 1,000. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Of times in ms, in any order. */
export function latencyOf(times: readonly number[]): Latency {
  const at = (percent: number): number => percentileOf(times, percent);
  return { count: times.length, p50: at(50), p99: at(99), p999: at(99.9) };
}

/** The percentiles, and how many there must be for one of them to be more than the slowest by another name. */
const PERCENTILES = [
  { percentile: "p50", unit: "ms (p50)", least: 10 },
  { percentile: "p99", unit: "ms (p99)", least: 100 },
  { percentile: "p999", unit: "ms (p99.9)", least: 1000 },
] as const;

/** Each percentile of those who did enough in every round to have it. The targets are of p99. */
export const latencyFigures = (what: string, results: Results<Latency>, targets: readonly Target[] = []): Figure[] =>
  PERCENTILES.flatMap(({ percentile, unit, least }) => {
    const enough = Object.entries(results).filter(([, rounds]) => rounds.every(({ count }) => count >= least));
    const own = percentile === "p99" ? targets : [];
    return enough.length === 0 ? [] : [figure(what, unit, Object.fromEntries(enough), (each) => each[percentile], own)];
  });
