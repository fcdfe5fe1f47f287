import { arch, cpus, release } from "node:os";
import type { Comparison, Spread } from "./rounds.ts";

/** One line of the result; without `bare` and `ratio` there is nothing to compare with. `bare` is something else where `what` says so. */
export interface Figure extends Partial<Comparison> {
  readonly what: string;
  readonly unit: string;
  readonly registry: Spread;
  readonly target?: Target;
}

/** What the project wants to reach: with its ratio to the bare server, or with its own value. */
export interface Target {
  readonly of: "ratio" | "value";
  readonly is: "at least" | "at most";
  readonly limit: number;
}

/** The figures as a table in Markdown. What was missed is shown like what was reached. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { what, unit, registry, bare, ratio, target } = figure;
    const cells = [what, unit, show(registry), show(bare), show(ratio), target ? describe(target, unit) : ""];
    return rowOf([...cells, target ? verdictOf(figure, target) : ""]);
  });
  const headings = ["", "unit", "ociregistry", "bare node:http, or as said", "ratio", "target", "result"];
  return [rowOf(headings), rowOf(["---", "---", "---:", "---:", "---:", "---", "---"]), ...rows].join("\n");
}

/** What the figures depend on besides the program. */
export function machine(): string {
  const [cpu] = cpus();
  return `Node ${process.versions.node}, Linux ${release()} ${arch()}, ${cpus().length} x ${cpu?.model.trim()}`;
}

const rowOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function show(spread: Spread | undefined): string {
  if (!spread) return "";
  const { median, min, max } = spread;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)} to ${digits(max)})`;
}

/** Three significant digits, as more would be noise. */
const digits = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: value < 1 ? 3 : 2 });

const describe = ({ of, is, limit }: Target, unit: string): string =>
  of === "ratio" ? `ratio ${is} ${limit}` : `${is} ${limit} ${unit}`;

function verdictOf({ registry, ratio }: Figure, { of, is, limit }: Target): string {
  const median = (of === "ratio" ? ratio : registry)?.median ?? Number.NaN;
  return (is === "at least" ? median >= limit : median <= limit) ? "reached" : "missed";
}
