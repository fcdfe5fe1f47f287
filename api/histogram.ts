/** How often something took how long. */
export interface Histogram {
  /** `seconds` of one more. */
  observe(seconds: number): void;
  /** How many took at most as long as each bound, the last of which is infinite: each count includes those before it. */
  counts(): readonly (readonly [bound: number, count: number])[];
  /** Of all, in seconds. */
  readonly sum: number;
}

/** `bounds` in seconds, ascending. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const last = bounds.length;
  const own = new Float64Array(last + 1);
  let sum = 0;
  return {
    observe(seconds) {
      let index = 0;
      while (index < last && seconds > (bounds[index] ?? 0)) index++;
      own[index] = (own[index] ?? 0) + 1;
      sum += seconds;
    },
    counts() {
      let count = 0;
      return [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
        count += own[index] ?? 0;
        return [bound, count];
      });
    },
    get sum() {
      return sum;
    },
  };
}
