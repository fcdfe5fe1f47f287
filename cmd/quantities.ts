import { UsageError } from "./usage-error.ts";

const UNITS_OF_TIME: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** `500ms`, `1s`, `10m`, `24h`, `7d` or `0`, in ms. Throws UsageError. */
export function parseDuration(option: string, text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS_OF_TIME.get(unit);
  if (text === "0") return 0;
  if (factor === undefined) throw new UsageError(`${option} is a time such as 30s, 10m or 24h, not "${text}"`);
  return Number(number) * factor;
}

/** Node takes a timer of more than 2^31 - 1 ms for one of 1 ms. */
export const LONGEST_INTERVAL = 24 * 86_400_000;

/** The same, of what is done again and again: at most `24d`. Throws UsageError. */
export function parseInterval(option: string, text: string): number {
  const interval = parseDuration(option, text);
  if (interval > LONGEST_INTERVAL) throw new UsageError(`${option} is at most 24d, not "${text}"`);
  return interval;
}

const UNITS_OF_SIZE = ["", "K", "M", "G", "T"];

/** `1024`, `500M`, `64G`, in bytes; the units are powers of 1024. Throws UsageError. */
export function parseSize(option: string, text: string): number {
  const [, number, unit = ""] = /^(\d{1,12})([KMGT]?)$/.exec(text.toUpperCase()) ?? [];
  const size = Number(number) * 1024 ** UNITS_OF_SIZE.indexOf(unit);
  if (!Number.isSafeInteger(size)) throw new UsageError(`${option} is a size such as 500M or 64G, not "${text}"`);
  return size;
}

/** A whole number, 1 or more. Throws UsageError. */
export function parseCount(option: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(`${option} is a whole number, 1 or more, not "${text}"`);
  }
  return number;
}
