import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { Missing } from "./missing.ts";
import { freePort, type ServerProcess, startProgram } from "./server-process.ts";

const run = promisify(execFile);

const VERSION = "v3.1.2";
const MODULE = `github.com/distribution/distribution/v3/cmd/registry@${VERSION}`;

/** What the figures are compared with. */
export const DISTRIBUTION = `distribution ${VERSION.slice(1)}`;

/**
 * The path of the program `registry` of distribution: the one in PATH, or one that Go builds, once, in the user's cache
 * folder. Throws Missing.
 */
export async function findDistribution(): Promise<string> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const program = join(folder, "registry");
    if (existsSync(program) && (await isVersion3(program))) return program;
  }
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ociregistry-bench", VERSION);
  const built = join(cache, "registry");
  if (!existsSync(built)) await build(cache);
  return built;
}

const isVersion3 = (program: string): Promise<boolean> =>
  run(program, ["--version"]).then(
    ({ stdout }) => / v?3\./.test(stdout),
    () => false,
  );

async function build(folder: string): Promise<void> {
  process.stderr.write(`building ${MODULE}: this takes minutes, once\n`);
  mkdirSync(folder, { recursive: true });
  await run("go", ["install", MODULE], { env: { ...process.env, GOBIN: folder } }).catch((error: Error) => {
    throw new Missing(
      `distribution was not found in PATH and could not be built by Go (${error.message.split("\n")[0]})`,
    );
  });
}

/** Starts distribution on an empty folder, as it comes, but without a log. Throws Missing. */
export async function startDistribution(folder: string): Promise<ServerProcess> {
  const program = await findDistribution();
  const port = await freePort();
  const config = join(folder, "config.yml");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(join(folder, "data"))} }
  delete: { enabled: true }
catalog: { maxentries: 10000 }
http: { addr: "127.0.0.1:${port}" }
`,
  );
  return startProgram(program, ["serve", config], { port, env: { OTEL_TRACES_EXPORTER: "none" } });
}
