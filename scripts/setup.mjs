// @ts-check
/**
 * What `npm start` and `npm test` need on a fresh clone: the packages, and the program in dist/, compiled and bundled.
 * Does nothing that is done already.
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** @param {string} path */
const modified = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) {
    console.error(`Cannot set up: "${[command, ...args].join(" ")}" failed`);
    process.exit(1);
  }
}

/** Does all of it. Ends the process when something fails. */
export function setUp() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Cannot run on Node ${process.versions.node}: install Node 20.19 or newer`);
    process.exit(1);
  }
  if (modified("node_modules/.package-lock.json") < modified("package-lock.json")) {
    run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  }
  run(process.execPath, ["node_modules/typescript/bin/tsc"]);
  run(process.execPath, ["scripts/bundle.mjs"]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
