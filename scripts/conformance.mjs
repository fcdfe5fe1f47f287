// @ts-check
/**
 * `npm run conformance -- --released <program> --main <program>`: runs the conformance suites of the OCI distribution
 * specification against this registry: the one of release 1.1.1, and the one of the main branch. Each is a program
 * compiled from the specification's repository; one that is not given is not run. Each configuration has a server and
 * an empty data folder of its own. The exit code is 1 when something failed, or was skipped that need not be.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { setUp } from "./setup.mjs";

/**
 * @typedef {{ pass: number, fail: number, skip: number, disabled: number, problems: string[] }} Figures
 * @typedef {object} Suite
 * @property {(port: number, results: string) => Record<string, string>} environment
 * @property {{ title: string, sparse?: boolean, set: Record<string, string> }[]} configurations
 * @property {(results: string, output: string) => Figures} read
 */

const REPOSITORIES = { one: "conformance/one", two: "conformance/two" };

/** These cases exclude each other, or are for registries that cannot be pushed to. */
const SKIPPED_BY_ITSELF = [
  /Pull Setup Get tag name from environment$/,
  /Content Discovery Setup Populate registry with test tags \(no push\)$/,
  /Cross-mounting of nonexistent blob should yield session id$/,
  /automatic content discovery disabled should return a 202$/,
];

/** @type {Record<"released" | "main", Suite>} */
const SUITES = {
  released: {
    environment: (port, results) => ({
      OCI_ROOT_URL: `http://127.0.0.1:${port}`,
      OCI_NAMESPACE: REPOSITORIES.one,
      OCI_CROSSMOUNT_NAMESPACE: REPOSITORIES.two,
      OCI_TEST_PULL: "1",
      OCI_TEST_PUSH: "1",
      OCI_TEST_CONTENT_DISCOVERY: "1",
      OCI_TEST_CONTENT_MANAGEMENT: "1",
      OCI_AUTOMATIC_CROSSMOUNT: "1",
      OCI_REPORT_DIR: results,
    }),
    configurations: [
      { title: "manifests deleted first", set: { OCI_DELETE_MANIFEST_BEFORE_BLOBS: "1" } },
      { title: "blobs deleted first", set: { OCI_DELETE_MANIFEST_BEFORE_BLOBS: "0" } },
    ],
    read: readJunit,
  },
  main: {
    environment: (port, results) => ({
      OCI_REGISTRY: `127.0.0.1:${port}`,
      OCI_TLS: "disabled",
      OCI_REPO1: REPOSITORIES.one,
      OCI_REPO2: REPOSITORIES.two,
      OCI_RESULTS_DIR: results,
    }),
    configurations: [
      { title: "version 1.1", set: { OCI_VERSION: "1.1" } },
      { title: "version dev", set: { OCI_VERSION: "dev" } },
      { title: "version dev, sparse", sparse: true, set: { OCI_VERSION: "dev", OCI_DATA_SPARSE: "true" } },
    ],
    read: readResults,
  },
};

/**
 * @param {string} results
 * @returns {Figures}
 */
function readJunit(results) {
  const report = readFileSync(join(results, "junit.xml"), "utf8");
  const cases = [...report.matchAll(/<testcase name="([^"]*)"[^>]*? status="([^"]*)"/g)]
    .map(([, name = "", status = ""]) => ({ name, status }))
    .filter(({ name }) => name.startsWith("OCI Distribution Conformance Tests "));
  const named = (/** @type {string} */ wanted) => cases.filter(({ status }) => status === wanted);
  const skipped = named("skipped").filter(({ name }) => !SKIPPED_BY_ITSELF.some((known) => known.test(name)));
  const failed = cases.filter(({ status }) => status !== "passed" && status !== "skipped");
  return {
    pass: named("passed").length,
    fail: failed.length,
    skip: named("skipped").length,
    disabled: 0,
    problems: [...failed, ...skipped].map(({ name, status }) => `${status}: ${name}`),
  };
}

/**
 * The figures are only in what the suite prints; which parts of the API are not whole stands in its file.
 *
 * @param {string} results
 * @param {string} output
 * @returns {Figures}
 */
function readResults(results, output) {
  const count = (/** @type {string} */ name) => {
    const [, figure] = new RegExp(`^ +${name}\\.+: +([0-9]+)$`, "m").exec(output) ?? [];
    if (figure === undefined) throw new Error(`it did not say how many are ${name}`);
    return Number(figure);
  };
  const [, parts = ""] = readFileSync(join(results, "results.yaml"), "utf8").split(/^apis:$/m);
  const statuses = [...parts.matchAll(/^ +(.+): ([A-Za-z]+)$/gm)].map(([, name, status]) => ({ name, status }));
  if (statuses.length === 0) throw new Error("it wrote no results");
  const wrong = statuses.filter(({ status }) => status !== "Pass" && status !== "Disabled");
  return {
    pass: count("Pass"),
    fail: count("FAIL") + count("Error"),
    skip: count("Skip"),
    disabled: count("Disabled"),
    problems: wrong.map(({ name, status }) => `${status}: ${name}`),
  };
}

/**
 * @param {Suite} suite
 * @param {Suite["configurations"][number]} configuration
 * @param {string} program
 * @returns {Promise<Figures>}
 */
async function run(suite, { sparse = false, set }, program) {
  const { startServing } = await command();
  const root = mkdtempSync(join(tmpdir(), "ociregistry-conformance-"));
  const images = join(root, "images");
  const data = join(root, "data");
  const results = join(root, "results");
  for (const folder of [images, results]) mkdirSync(folder);
  const options = sparse ? ["--allow-sparse"] : [];
  const cleanup = { after: (/** @type {() => void} */ kill) => void process.once("exit", kill) };
  const server = await startServing(cleanup, images, "--data", data, ...options);
  try {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("OCI_"));
    const env = { ...Object.fromEntries(inherited), ...suite.environment(server.port, results), ...set };
    const child = spawn(program, { cwd: results, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const [code] = await once(child, "close");
    const figures = suite.read(results, output);
    if (code !== 0) figures.problems.push(`the suite ended with exit code ${code}`);
    return figures;
  } finally {
    const ended = once(server.child, "exit");
    server.child.kill();
    await ended;
    rmSync(root, { recursive: true });
  }
}

/** @returns {Promise<typeof import("../test/support/command.ts")>} */
const command = () => import(new URL("../dist/test/support/command.js", import.meta.url).href);

const { values: programs } = parseArgs({ options: { released: { type: "string" }, main: { type: "string" } } });
setUp();

const widths = [9, 26, 6, 6, 6, 8];
const line = (/** @type {(string | number)[]} */ ...cells) =>
  console.log(cells.map((cell, index) => String(cell).padEnd(widths[index] ?? 0)).join(" "));

let failed = false;
line("suite", "configuration", "pass", "fail", "skip", "disabled");
for (const name of /** @type {const} */ (["released", "main"])) {
  const suite = SUITES[name];
  const program = programs[name];
  if (program !== undefined && !existsSync(program)) {
    console.error(`There is no program ${program}`);
    process.exit(1);
  }
  for (const configuration of suite.configurations) {
    if (program === undefined) {
      line(name, configuration.title, `not run: give its program with --${name}`);
      continue;
    }
    try {
      const { pass, fail, skip, disabled, problems } = await run(suite, configuration, resolve(program));
      line(name, configuration.title, pass, fail, skip, disabled);
      for (const problem of problems) console.log(`  ${problem}`);
      failed ||= problems.length > 0 || fail > 0;
    } catch (error) {
      line(name, configuration.title, `broken: ${error instanceof Error ? error.message : error}`);
      failed = true;
    }
  }
}
if (failed) process.exitCode = 1;
