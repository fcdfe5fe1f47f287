import { parseArgs } from "node:util";
import { SCENARIOS } from "./scenarios/all.ts";

/** What the benchmark is asked to do. */
export interface Options {
  /** Only the scenarios and sizes that say most. */
  readonly quick: boolean;
  /** The Node for our server. */
  readonly node: string;
  /** Where the raw results go. */
  readonly json: string | undefined;
  /** Raw results of earlier runs, of which only the page is to be written. */
  readonly merge: readonly string[];
  /** The scenario of which a CPU profile is wanted. */
  readonly profile: string | undefined;
  /** Without any, all. */
  readonly scenarios: readonly string[];
}

const names = SCENARIOS.map(({ name }) => name);

export const USAGE = `Usage:
  npm run bench                         everything, written to bench/RESULTS.md and bench/results.svg
  npm run bench -- --quick              what says most, in two minutes, printed
  npm run bench -- SCENARIO...          some of it, printed
  npm run bench -- --profile SCENARIO   a CPU profile of our server under the load of a scenario
  npm run bench -- --merge FILE...      the page again, from the results of one or more runs

  --node PATH    the Node that our server runs on
  --json FILE    write the raw results there

Scenarios: ${names.join(", ")}
docs/performance.md says what they measure.
`;

/** Undefined when the arguments make no sense. */
export function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        node: { type: "string", default: process.execPath },
        json: { type: "string" },
        merge: { type: "boolean", default: false },
        profile: { type: "string" },
      },
    });
    const { quick, node, json, merge, profile } = values;
    const scenarios = merge ? [] : positionals;
    const isKnown = [...scenarios, ...(profile === undefined ? [] : [profile])].every((name) => names.includes(name));
    if (!isKnown || (merge && positionals.length === 0)) return undefined;
    return { quick, node, json, merge: merge ? positionals : [], profile, scenarios };
  } catch {
    return undefined;
  }
}
