import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSmallLoad } from "./clients.ts";
import { writeImages } from "./images.ts";
import { measureBlobs } from "./measure-blobs.ts";
import { measureDrop } from "./measure-drop.ts";
import { measureFairness } from "./measure-fairness.ts";
import { measureLists } from "./measure-lists.ts";
import { measureManifests } from "./measure-manifests.ts";
import { measureMany } from "./measure-many.ts";
import { measureMembers } from "./measure-members.ts";
import { measureMemoryAfter } from "./measure-memory.ts";
import { measurePacked } from "./measure-packed.ts";
import { measureSmallPushes } from "./measure-small-pushes.ts";
import { measureStart } from "./measure-start.ts";
import { measureUploads } from "./measure-uploads.ts";
import { Missing } from "./missing.ts";
import { type Figure, machine, tableOf } from "./report.ts";
import type { Effort } from "./rounds.ts";
import { startRegistry } from "./server-process.ts";

const SCENARIOS: Readonly<Record<string, (folder: string, effort: Effort) => Promise<Figure[]>>> = {
  pulls: measurePulls,
  archives: measureArchives,
  uploads: measureUploads,
  "small-pushes": measureSmallPushes,
  fairness: measureFairness,
  lists: measureLists,
};

const USAGE = `Usage: node dist/bench/main.js [--quick] [SCENARIO...]

Measures ociregistry on this machine, beside bare node:http servers or another registry, and prints a table for each
scenario: ${Object.keys(SCENARIOS).join(", ")}; without a name all, which takes half an hour, with --quick
ten minutes. Ratios and CPU seconds mean something elsewhere too; the rest belongs to the machine and the day.
`;

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => arg !== "--quick");
  if (names.some((name) => !Object.hasOwn(SCENARIOS, name))) {
    process.stdout.write(USAGE);
    return;
  }
  if (process.platform !== "linux") throw new Missing("the benchmark reads /proc, so it needs Linux");
  const effort: Effort = args.includes("--quick") ? { rounds: 2, seconds: 1 } : { rounds: 7, seconds: 2 };
  const folder = mkdtempSync(join(tmpdir(), "ociregistry-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  process.once("SIGINT", () => process.exit(130));
  process.stdout.write(`${machine()}; median (min to max) of ${effort.rounds} rounds\n`);
  for (const [name, measure] of Object.entries(SCENARIOS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    process.stdout.write(`\n${name}\n\n${await measure(folder, effort).then(tableOf, skipped)}\n`);
  }
}

/** What a scenario needs may be missing; the others are measured all the same. */
function skipped(error: unknown): string {
  if (!(error instanceof Missing)) throw error;
  process.exitCode = 2;
  return `not measured: ${error.message}`;
}

async function measurePulls(folder: string, effort: Effort): Promise<Figure[]> {
  const smallLoad = await createSmallLoad(folder);
  const images = writeImages(join(folder, "images"));
  // First, while few other processes share the memory of Node's own code with the server.
  const cache = join(folder, "cache");
  const start = await measureStart(images, cache, effort.rounds);
  const registry = await startRegistry(images.folder, cache);
  try {
    const manifests = await measureManifests(registry, images, smallLoad, effort);
    const blobs = await measureBlobs(registry, images, effort);
    return [...manifests, ...blobs, ...start, ...(await measureMemoryAfter(registry))];
  } finally {
    await registry.stop();
  }
}

/** Rounds of what takes seconds each. */
const FEW = 3;

async function measureArchives(folder: string, effort: Effort): Promise<Figure[]> {
  const few = Math.min(effort.rounds, FEW);
  return [
    ...(await measurePacked(folder, effort)),
    ...(await measureMany(folder, few)),
    ...(await measureDrop(folder, few)),
    ...(await measureMembers(folder, few)),
  ];
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
