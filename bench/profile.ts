import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBench } from "./bench.ts";
import { buildLoadClient } from "./clients/load.ts";
import { OURS } from "./measure/figure.ts";
import type { Options } from "./options.ts";
import { type CpuProfile, hottestOf } from "./report/hottest.ts";
import { sourcePlaceOf } from "./report/source-place.ts";
import { markdown } from "./report/tables.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { createOurs, createProfiled } from "./servers/ours.ts";

/** Of load in one round: enough samples for what takes one hundredth of the time. */
const SECONDS = 3;
const SHOWN = 15;

/** Runs the load of a scenario on our server alone, and says where the profiles of its processes are and what is in them. */
export async function profile(folder: string, { node }: Pick<Options, "node">, scenario: Scenario): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), "ociregistry-profile-"));
  const log = join(folder, "servers.log");
  const profiled = createProfiled(node, log, ["--cpu-prof", "--cpu-prof-dir", place]);
  const bench = createBench({
    folder,
    // The sizes of a quick run are enough to see what is slow.
    effort: { rounds: 1, seconds: SECONDS, quick: scenario.quick },
    ours: { ...profiled, variants: { [OURS]: [] } },
    fillWith: createOurs(node, log),
    warmUp: 0,
    peers: { found: [], missing: {} },
    load: await buildLoadClient(folder),
  });
  try {
    await scenario.measure(bench);
  } finally {
    await bench.stop();
  }
  for (const name of readdirSync(place).sort()) {
    const path = join(place, name);
    const { seconds, busy, functions } = hottestOf(JSON.parse(readFileSync(path, "utf8")) as CpuProfile, sourcePlaceOf);
    const rows = functions
      .slice(0, SHOWN)
      .map(({ name, where, share }) => [`${(share * 100).toFixed(1)} %`, name, where]);
    process.stdout.write(
      `\n${path}: ${busy.toFixed(1)} of ${seconds.toFixed(1)} s busy\n\n${markdown(["itself", "function", "where"], ["---:", "---", "---"], rows)}\n`,
    );
  }
  process.stdout.write(`
A profile opens in Chromium (DevTools, Performance, Load profile) or in an editor such as VS Code. "itself" is the part of
the busy time that was spent in a function without what it calls; "(program)" is the kernel and the parts of Node that are
no JavaScript. docs/performance.md says more.
`);
}
