import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, createBench } from "./bench.ts";
import { buildLoadClient } from "./clients/load.ts";
import { Missing } from "./missing.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { profile } from "./profile.ts";
import { bodyOf, conditionsOf, documentOf, durationOf } from "./report/document.ts";
import { ownVersion } from "./report/own-version.ts";
import { pictureOf } from "./report/picture.ts";
import { type Conditions, type Measured, machine, type Run } from "./report/run.ts";
import { targetsTable } from "./report/verdicts.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { projectFile } from "./script.ts";
import { createOurs } from "./servers/ours.ts";
import { findPeers } from "./servers/peers.ts";

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (!options) {
    process.stderr.write(USAGE);
    process.exitCode = 1;
    return;
  }
  if (options.merge.length > 0) {
    writePage(options.merge.map((path) => JSON.parse(readFileSync(path, "utf8")) as Run));
    return;
  }
  if (process.platform !== "linux") throw new Missing("the benchmark reads /proc, so it needs Linux");
  const folder = mkdtempSync(join(tmpdir(), "ociregistry-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const profiled = SCENARIOS.find(({ name }) => name === options.profile);
  if (profiled) {
    await profile(folder, options, profiled);
    return;
  }
  const chosen = SCENARIOS.filter(({ name, quick }) =>
    options.scenarios.length > 0 ? options.scenarios.includes(name) : quick || !options.quick,
  );
  const run = await measureAll(folder, options, chosen);
  print(`\nTargets\n\n${targetsTable([run])}`);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(run, undefined, 1));
  if (chosen.length === SCENARIOS.length && !options.quick) writePage([run]);
}

/** In seconds; after it, the CPU time of our server for an image hardly becomes less. A quick run has less time. */
const WARM_UP = 3;

async function measureAll(folder: string, options: Options, chosen: readonly Scenario[]): Promise<Run> {
  const started = performance.now();
  const log = join(folder, "servers.log");
  const ours = createOurs(options.node, log);
  const peers = await findPeers();
  const load = await buildLoadClient(folder);
  const effort = options.quick ? { rounds: 2, seconds: 0.5, quick: true } : { rounds: 3, seconds: 1, quick: false };
  const bench = createBench({
    folder,
    effort,
    ours,
    fillWith: ours,
    warmUp: options.quick ? WARM_UP / 2 : WARM_UP,
    peers,
    load,
  });
  const scenarios: Measured[] = [];
  const conditions: Conditions = {
    ociregistry: ownVersion(),
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    node: ours.version,
    rounds: effort.rounds,
    seconds: effort.seconds,
    versions: Object.fromEntries(peers.found.map(({ name, version }) => [name, version])),
    missing: peers.missing,
  };
  print(conditionsOf(conditions));
  try {
    for (const scenario of chosen) {
      const measured = await measureOne(bench, scenario, log);
      scenarios.push(measured);
      print(`\n${measured.title}, ${Math.round(measured.took)} s\n\n${bodyOf(measured)}`);
    }
  } finally {
    await bench.stop();
  }
  const took = (performance.now() - started) / 1000;
  process.stderr.write(`\nthe whole run took ${durationOf(took)}\n`);
  return { ...conditions, scenarios, took };
}

/** What a scenario needs may be missing, and what it asks may fail; the others are measured all the same. */
async function measureOne(bench: Bench, { name, title, measure }: Scenario, log: string): Promise<Measured> {
  const started = performance.now();
  const took = (): number => (performance.now() - started) / 1000;
  try {
    return { name, title, figures: await measure(bench), took: took() };
  } catch (error) {
    process.exitCode = 2;
    if (error instanceof Missing) return { name, title, figures: [], missing: error.message, took: took() };
    const said = readFileSync(log, { encoding: "utf8", flag: "a+" }).trimEnd().split("\n").slice(-20).join("\n");
    process.stderr.write(`${error instanceof Error ? error.stack : error}\nOur servers said last:\n${said}\n`);
    return { name, title, figures: [], missing: "it failed", took: took() };
  }
}

function writePage(runs: readonly Run[]): void {
  const [first] = runs;
  if (!first) return;
  writeFileSync(projectFile("bench/RESULTS.md"), documentOf(runs));
  writeFileSync(projectFile("bench/results.svg"), pictureOf(first));
  print("\nwritten: bench/RESULTS.md and bench/results.svg");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
