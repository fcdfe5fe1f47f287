import type { Figure } from "../measure/figure.ts";
import { type Spread, spreadOf } from "../measure/statistics.ts";

/** The figures of a scenario as a table in Markdown, with a column for each contestant. */
export function tableOf(figures: readonly Figure[]): string {
  const names = [...new Set(figures.flatMap(({ values }) => Object.keys(values)))];
  const rows = figures.map(({ what, unit, values }) => {
    const cells = names.map((name) => (values[name] ? show(spreadOf(values[name])) : "-"));
    return [what, unit, ...cells];
  });
  return markdown(["", "unit", ...names], ["---", "---", ...names.map(() => "---:")], rows);
}

/** A table in Markdown. */
export const markdown = (
  headings: readonly string[],
  alignment: readonly string[],
  rows: readonly (readonly string[])[],
): string => [headings, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The median, and from where to where. */
export function show({ median, min, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)} to ${digits(max)})`;
}

/** Three significant digits, as more would be noise. */
export const digits = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: value < 1 ? 3 : 2 });
