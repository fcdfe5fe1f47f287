import type { Conditions, Measured, Run } from "./run.ts";
import { tableOf } from "./tables.ts";
import { targetsTable } from "./verdicts.ts";

/** The results of some runs as a page in Markdown, beside which `results.svg` lies. */
export function documentOf(runs: readonly Run[]): string {
  const titles = new Map(runs.flatMap(({ scenarios }) => scenarios.map(({ name, title }) => [name, title] as const)));
  const parts = [
    "# Results",
    "Written by `npm run bench`; [docs/performance.md](../docs/performance.md) says how to repeat it and how to read it. Each " +
      "figure is the median of the rounds, with the least and the most. All servers of a table ran beside each other, one " +
      "after the other in each round, so compare within a table and not between runs or machines.",
    runs.map(conditionsOf).join("\n"),
    "![The most important figures as bars](results.svg)",
    "## Targets",
    "The value is that of the figure that is worst, with its name where there are several.",
    targetsTable(runs),
    ...[...titles].flatMap(([name, title]) => [`## ${title}`, ...runs.flatMap((run) => sectionOf(run, name))]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** What a run depends on, as items of a list; and how long it took, when it is over. */
export function conditionsOf(run: Conditions & Partial<Run>): string {
  const { date, machine, ociregistry, node, rounds, seconds, versions, missing, took } = run;
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lacking = Object.entries(missing).map(([name, why]) => `- ${name} was not measured: ${why}`);
  const how = `${rounds} rounds of ${seconds} s, after a warm-up`;
  const length = took === undefined ? "" : `; took ${durationOf(took)}`;
  return [
    `- ${date}, ociregistry ${ociregistry}, Node ${node}: ${machine}; ${how}; beside ${others.join(", ")}${length}`,
    ...lacking,
  ].join("\n");
}

/** Of seconds: `1 min 50 s` */
export const durationOf = (seconds: number): string =>
  `${Math.floor(Math.round(seconds) / 60)} min ${Math.round(seconds) % 60} s`;

function sectionOf(run: Run, name: string): string[] {
  const measured = run.scenarios.find((scenario) => scenario.name === name);
  return measured ? [`Node ${run.node}`, bodyOf(measured)] : [];
}

/** What a scenario has measured, or why it has not. */
export const bodyOf = ({ figures, missing }: Measured): string =>
  missing === undefined ? tableOf(figures) : `not measured: ${missing}`;
