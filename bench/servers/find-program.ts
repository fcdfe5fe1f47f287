import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { Missing } from "../missing.ts";
import type { Program } from "./peer.ts";

const run = promisify(execFile);

/** A program that is found in PATH by one of its names and says its version. */
export interface Wanted {
  readonly names: readonly string[];
  readonly versionArgs: readonly string[];
  /** Of the versions that may be measured. */
  readonly version: RegExp;
}

/** A program of a Go module, as it is published. */
export interface GoProgram extends Wanted {
  readonly module: string;
  readonly moduleVersion: string;
  /** Below the module. */
  readonly package: string;
}

/** The first one in PATH that has the right version. */
export async function findInPath({ names, versionArgs, version }: Wanted): Promise<Program | undefined> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    const found = existsSync(path) ? await versionOf(path, versionArgs) : undefined;
    if (found !== undefined && version.test(found)) return { path, version: found };
  }
  return undefined;
}

/** The one in PATH, or one that Go builds, once, in the user's cache folder. Throws Missing. */
export async function findGoProgram(wanted: GoProgram): Promise<Program> {
  const inPath = await findInPath(wanted);
  if (inPath) return inPath;
  const [name = ""] = wanted.names;
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const path = join(cache, "ociregistry-bench", `${name}-${wanted.moduleVersion}`, name);
  if (!existsSync(path)) await build(wanted, path);
  return { path, version: wanted.moduleVersion.replace(/^v/, "") };
}

/** The first version that it says, on either stream; undefined when it says none. */
function versionOf(path: string, args: readonly string[]): Promise<string | undefined> {
  return run(path, args).then(
    ({ stdout, stderr }) => /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0],
    () => undefined,
  );
}

/** From a module of our own that requires nothing else: `go install` also asks for lists that not every proxy has. */
async function build({ module, moduleVersion, package: below }: GoProgram, path: string): Promise<void> {
  process.stderr.write(`building ${module}@${moduleVersion}: this may take minutes, once\n`);
  const folder = mkdtempSync(join(tmpdir(), "ociregistry-bench-go-"));
  try {
    writeFileSync(join(folder, "go.mod"), `module bench\n\ngo 1.24\n\nrequire ${module} ${moduleVersion}\n`);
    mkdirSync(join(path, ".."), { recursive: true });
    await run("go", ["build", "-mod=mod", "-o", path, `${module}/${below}`], { cwd: folder });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") throw new Missing("not found in PATH, and Go is not installed");
    process.stderr.write(`${stderr ?? error}\n`);
    throw new Missing(`not found in PATH, and Go could not build ${module}@${moduleVersion}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
