// @ts-check
/**
 * `npm run test:faults`: the tests of the data store on bad days, for as long as it takes to believe them. Each
 * says its seed; OCIREGISTRY_SEED=<seed> does the same again, and the other variables below shorten it.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const tests = join(dirname(fileURLToPath(import.meta.url)), "../dist/test");
const { status } = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    ...["model", "faults", "collection", "kill"].map((name) => join(tests, `data-${name}.test.js`)),
  ],
  {
    stdio: "inherit",
    env: {
      OCIREGISTRY_SEQUENCES: "5000",
      OCIREGISTRY_THOROUGH: "1",
      OCIREGISTRY_ROUNDS: "300",
      OCIREGISTRY_CYCLES: "500",
      ...process.env,
    },
  },
);
process.exit(status ?? 1);
