// @ts-check
/**
 * Makes dist/program/, which users start, of what the compiler put into dist/ and of the packages that it uses: a few files,
 * because finding and loading six hundred takes longer than all else that happens at a start. The licenses of those
 * packages are in NOTICES beside it. Does nothing when it is made already.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const compiled = join(root, "dist");

/** As deep below the root as the sources that name files of the package relative to their own place. */
const program = join(compiled, "program");

/** What it was made of. */
const made = join(program, "MADE_OF");

/** The files that are started or, as a process or a thread, start each other by the names that they have in dist/. */
const ENTRIES = ["cmd/main.js", "cmd/worker.js", "registry/store/data/file-hasher-thread.js"];

/**
 * Packages that others take when they are there, and which are not needed: colours in debugging output, and fetching
 * parts of an API document from elsewhere.
 */
const LEFT_OUT = ["supports-color", "undici"];

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), "utf8");

/** Whether dist/program/ is made of what is in dist/ now. */
export const isBundled = () => existsSync(made) && readFileSync(made, "utf8") === sourcesHash();

function sourcesHash() {
  const hash = createHash("sha256");
  const files = ["api", "cmd", "gen", "registry"].flatMap((room) =>
    readdirSync(join(compiled, room), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.js(\.map)?$/.test(name))
      .map((name) => join("dist", room, name)),
  );
  for (const path of [...files.sort(), "package.json", "package-lock.json", "scripts/bundle.mjs"]) {
    hash.update(`${path}\n${read(path)}`);
  }
  return hash.digest("hex");
}

async function bundle() {
  // Not needed, and slow to load, when there is nothing to do.
  const { rolldown } = await import("rolldown");
  const sources = sourcesHash();
  rmSync(program, { recursive: true, force: true });
  const graph = await rolldown({
    cwd: root,
    input: Object.fromEntries(ENTRIES.map((path) => [basename(path, ".js"), join(compiled, path)])),
    platform: "node",
    external: packagesOutside(),
    plugins: [{ name: "compiled", load: loadCompiled }],
    // A name that it cannot find, for one, would be missed only when it is needed.
    onLog(_level, log, handle) {
      handle("error", log);
    },
  });
  const { output } = await graph.write({
    dir: program,
    format: "esm",
    chunkFileNames: "[name].js",
    comments: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await graph.close();
  const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  writeFileSync(join(program, "NOTICES"), noticesOf(modules));
  writeFileSync(made, sources);
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

if (process.argv[1] === fileURLToPath(import.meta.url) && !isBundled()) await bundle();
