import { type Figure, OURS, type Target } from "../measure/figure.ts";
import { ratioOf, spreadOf } from "../measure/statistics.ts";
import type { Run } from "./run.ts";
import { digits, markdown } from "./tables.ts";

/** Whether a figure reaches a target. */
export interface Verdict {
  /** The figure. */
  readonly what: string;
  /** The median; undefined when one of the two was not measured. */
  readonly value: number | undefined;
  readonly isReached: boolean;
}

export function verdictOf({ what, values }: Figure, { who = OURS, to, is, limit }: Target): Verdict {
  const own = values[who];
  const base = to === undefined ? undefined : values[to];
  if (!own || (to !== undefined && !base)) return { what, value: undefined, isReached: false };
  const { median: value } = base ? ratioOf(own, base) : spreadOf(own);
  return { what, value, isReached: is === "at least" ? value >= limit : value <= limit };
}

/** What is aimed at and cannot be measured yet. */
const NOT_YET = [["TLS: GB/s, to distribution", "at least 1.5"]] as const;

/** All targets of some runs: one line each, with the worst figure of each run. What was missed is shown like what was reached. */
export function targetsTable(runs: readonly Run[]): string {
  const goals = new Map<string, Target>();
  for (const { target } of runs.flatMap(targetsOf)) goals.set(target.goal, target);
  const rows = [...goals.values()].map((target) => [
    target.goal,
    `${target.is} ${digits(target.limit)}`,
    ...runs.map((run) => cellOf(target, run)),
  ]);
  const later = NOT_YET.map((cells) => [...cells, ...runs.map(() => "not measured: the server has no TLS")]);
  const headings = ["what", "target", ...runs.map(({ node }) => `Node ${node}`)];
  return markdown(
    headings,
    headings.map(() => "---"),
    [...rows, ...later],
  );
}

const targetsOf = ({ scenarios }: Run) =>
  scenarios.flatMap(({ figures }) =>
    figures.flatMap((figure) => (figure.targets ?? []).map((target) => ({ figure, target }))),
  );

function cellOf({ goal, is }: Target, run: Run): string {
  const verdicts = targetsOf(run)
    .filter(({ target }) => target.goal === goal)
    .map(({ figure, target }) => verdictOf(figure, target))
    .filter((verdict): verdict is Verdict & { value: number } => verdict.value !== undefined)
    .sort((a, b) => (is === "at least" ? a.value - b.value : b.value - a.value));
  const [worst] = verdicts;
  if (!worst) return "not measured";
  const reached = verdicts.filter(({ isReached }) => isReached).length;
  const where = verdicts.length === 1 ? "" : ` (${worst.what})`;
  const much = verdicts.length === 1 ? "" : ` in ${verdicts.length - reached} of ${verdicts.length}, worst`;
  if (reached === verdicts.length) return `reached: ${digits(worst.value)}${where}`;
  return `**missed**${much}: ${digits(worst.value)}${where}`;
}
