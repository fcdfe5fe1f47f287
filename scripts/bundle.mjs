// @ts-check
/**
 * Makes dist/program/, which users start, of what the compiler put into dist/ and of the packages that it uses: a few files,
 * because finding and loading six hundred takes longer than all else that happens at a start. The licenses of those
 * packages are in NOTICES beside it. What V8 makes of it is kept there, too, for this Node (load.cjs). Does nothing when
 * it is made already.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const compiled = join(root, "dist");

/** As deep below the root as the sources that name files of the package relative to their own place. */
const program = join(compiled, "program");

/** What it was made of. */
const MADE_OF = "MADE_OF";

/** What only a bundle has: the licenses of what is in it. */
const NOTICES = "NOTICES";

/** The files that are started or, as a process or a thread, start each other by the names that they have in dist/. */
const ENTRIES = ["cmd/main.js", "cmd/worker.js", "registry/store/data/file-hasher-thread.js"];

/**
 * Packages that others take when they are there, and which are not needed: colours in debugging output, and fetching
 * parts of an API document from elsewhere.
 */
const LEFT_OUT = ["supports-color", "undici"];

/** @param {readonly string[]} names */
const refusing = (...names) =>
  names
    .map((name) => `exports.${name} = function () { throw new Error("${name} is not in the bundle (bundle.mjs)"); };\n`)
    .join("");

/**
 * What stands in the place of files of packages: openapi-backend fetches and checks API documents and invents answers, for
 * others. What is called in spite of this refuses.
 */
const INSTEAD = new Map([
  ["openapi-backend/refparser.js", refusing("parse", "dereference", "resolve")],
  ["openapi-schema-validator/dist/index.js", `exports.__esModule = true;\n${refusing("default")}`],
  ["mock-json-schema/index.js", refusing("mock")],
  // All that is called of it.
  ["lodash/lodash.js", 'exports.uniq = require("lodash/uniq");\n'],
]);

/** What makes it, or is in it as it is. */
const MAKERS = ["scripts/bundle.mjs", "scripts/load.cjs"];

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), "utf8");

/** Whether dist/program/ is made of what is in dist/ now. */
export function isCurrent() {
  const made = join(program, MADE_OF);
  return existsSync(made) && readFileSync(made, "utf8") === sourcesHash();
}

function sourcesHash() {
  const hash = createHash("sha256");
  const files = ["api", "cmd", "gen", "registry"].flatMap((room) =>
    readdirSync(join(compiled, room), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.js(\.map)?$/.test(name))
      .map((name) => join("dist", room, name)),
  );
  for (const path of [...files.sort(), "package.json", "package-lock.json", ...MAKERS]) {
    hash.update(`${path}\n${read(path)}`);
  }
  return hash.digest("hex");
}

/**
 * Makes it beside the one that is there, which a server may be running from, and then puts it into its place.
 * @param {(folder: string) => void | Promise<void>} fill
 */
async function make(fill) {
  const sources = sourcesHash();
  const [next, last] = [`${program}.${process.pid}`, `${program}.${process.pid}.last`];
  try {
    mkdirSync(next);
    await fill(next);
    chmodSync(join(next, "main.js"), 0o755);
    writeFileSync(join(next, MADE_OF), sources);
    if (existsSync(program)) renameSync(program, last);
    renameSync(next, program);
  } finally {
    for (const folder of [next, last]) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {typeof import("rolldown").rolldown} rolldown
 * @param {string} folder
 */
async function bundle(rolldown, folder) {
  const missed = new Set(INSTEAD.keys());
  const graph = await rolldown({
    cwd: root,
    input: Object.fromEntries(ENTRIES.map((path) => [basename(path, ".js"), join(compiled, path)])),
    platform: "node",
    external: packagesOutside(),
    plugins: [
      { name: "compiled", load: loadCompiled },
      {
        name: "instead",
        load(path) {
          const file = [...INSTEAD.keys()].find((each) => path.endsWith(join("node_modules", each)));
          if (file === undefined) return undefined;
          missed.delete(file);
          return INSTEAD.get(file);
        },
      },
    ],
    checks: { bundlerTimings: false },
    // A name that it cannot find, for one, would be missed only when it is needed.
    onLog(level, log, handle) {
      handle(level === "warn" ? "error" : level, log);
    },
  });
  const { output } = await graph.write({
    dir: folder,
    // What is kept for it can be given to V8 only with a script, on Node 20.
    format: "cjs",
    entryFileNames: ({ name }) => codeOf(name),
    chunkFileNames: "[name].js",
    comments: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await graph.close();
  if (missed.size > 0) throw new Error(`No package has what is to be replaced: ${[...missed].join(", ")}`);
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  copyFileSync(join(root, "scripts/load.cjs"), join(folder, "load.js"));
  for (const path of ENTRIES) {
    const name = basename(path, ".js");
    writeFileSync(join(folder, `${name}.js`), `#!/usr/bin/env node\nrequire("./load.js").load("${codeOf(name)}");\n`);
  }
  const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  writeFileSync(join(folder, NOTICES), noticesOf([...modules, fileURLToPath(import.meta.resolve("rolldown"))]));
}

/**
 * Where there is no bundler, because it has no binary for the machine: the same names lead to what the compiler made.
 * @param {string} folder
 */
function link(folder) {
  for (const path of ENTRIES) writeFileSync(join(folder, basename(path)), `import "../${path}";\n`);
}

/** The file that has the code of an entry; the one that has its name loads it. */
const codeOf = (/** @type {string} */ name) => `${name}-code.js`;

/** Whether it is kept what this Node makes of the program; that of linked files is not. */
function isWarm() {
  const loader = join(program, "load.js");
  return !existsSync(loader) || createRequire(import.meta.url)(loader).isKept(codeOf("main"));
}

/** @param {string} folder */
function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The program can do without, so a failure is told and no more. */
function warm() {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/warm.mjs"), program], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: 30_000,
  });
  if (status === 0 && isWarm()) return;
  const reason = stderr.split("\n").find((line) => line.includes("Error")) ?? "it took too long";
  console.error(`Not warmed, so the server starts more slowly: ${reason}`);
}

/** What is installed with the program, or left out. */
function packagesOutside() {
  const { dependencies, optionalDependencies } = JSON.parse(read("package.json"));
  const names = [...LEFT_OUT, ...Object.keys({ ...dependencies, ...optionalDependencies })];
  return names.map((name) => new RegExp(`^${name}(/|$)`));
}

/**
 * What is ours, with the map of the compiler, so that the one of the bundle leads to the sources.
 * @param {string} path
 */
async function loadCompiled(path) {
  if (!path.startsWith(compiled)) return undefined;
  if (basename(path) === "readers-hash.js") {
    const { readersHash } = await import(pathToFileURL(path).href);
    return `export const readersHash = () => ${JSON.stringify(readersHash())};`;
  }
  return { code: readFileSync(path, "utf8"), map: readFileSync(`${path}.map`, "utf8") };
}

/** @param {string[]} modules */
function noticesOf(modules) {
  const folders = new Set(
    modules.flatMap((path) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path) ?? []),
  );
  return [...folders]
    .sort()
    .map(noticeOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** @param {string} folder */
function noticeOf(folder) {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)\b/i.test(file));
  if (texts.length === 0) throw new Error(`There is no license in ${relative(root, folder)}`);
  const parts = [`${name} ${version}`, ...texts.map((file) => readFileSync(join(folder, file), "utf8").trim())];
  return `${parts.join("\n\n")}\n`;
}

// A package of what is linked would lack what it is linked to.
const isForOthers = ["pack", "publish"].includes(process.env["npm_command"] ?? "");

/** @param {Error} error */
function withoutBundler(error) {
  if (isForOthers) throw error;
  console.error(`Not bundled, so the server starts more slowly: ${error.message.split("\n")[0]}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!isCurrent() || (isForOthers && !existsSync(join(program, NOTICES)))) {
    // Slow to load when there is nothing to do.
    const bundler = await import("rolldown").catch(withoutBundler);
    await make((folder) => (bundler ? bundle(bundler.rolldown, folder) : link(folder)));
  }
  // Not for others: their Node may be another one.
  if (!isForOthers && !isWarm() && isWritable(program)) warm();
}
