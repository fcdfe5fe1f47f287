import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAll } from "../../registry/content.ts";
import type { Cleanup } from "./cleanup.ts";
import { PROGRAM } from "./program.ts";

/** Not that of the user who runs the tests. */
const CACHE = mkdtempSync(join(tmpdir(), "ociregistry-test-"));
process.once("exit", () => rmSync(CACHE, { recursive: true, force: true }));
const env = { ...process.env, XDG_CACHE_HOME: CACHE };

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `ociregistry` to its end. */
export const runCommand = (...args: string[]): Promise<Finished> => runCommandWith({}, ...args);

/** The same, with these variables of the environment. */
export async function runCommandWith(variables: Record<string, string>, ...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = [readAll(child.stdout), readAll(child.stderr)];
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, out: (await out).toString(), err: (await err).toString() };
}

export interface Serving {
  readonly child: ChildProcess;
  readonly pid: number;
  /** With the address 127.0.0.1. */
  readonly origin: string;
  readonly port: number;
  /** What it wrote to stdout up to now. */
  output(): string;
  /** The same of stderr. */
  errors(): string;
}

/** How many processes answer, for those tests that have to pass with any number of them. */
const { WORKERS = "1" } = process.env;

/** Starts `ociregistry serve` and waits until it listens. It is killed when the test is over. */
export const startServing = (cleanup: Cleanup, ...args: string[]): Promise<Serving> =>
  serving(cleanup, process.execPath, ...SERVE, ...args);

/** The same, with so many descriptors for all that it opens. */
export const startServingWith = (descriptors: number, cleanup: Cleanup, ...args: string[]): Promise<Serving> =>
  serving(cleanup, ...LIMITED, String(descriptors), process.execPath, ...SERVE, ...args);

const SERVE = [PROGRAM, "serve", "--port", "0", "--workers", WORKERS] as const;
const LIMITED = ["sh", "-c", 'ulimit -n "$1" && shift && exec "$@"', "sh"] as const;

async function serving(cleanup: Cleanup, command: string, ...args: string[]): Promise<Serving> {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  cleanup.after(() => child.kill("SIGKILL"));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} was not started`);
  let output = "";
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  while (!output.includes("http://")) await Promise.race([once(child.stdout, "data"), failed(child)]);
  const [, port = ""] = /http:\/\/[^ /]*:(\d+)/.exec(output) ?? [];
  return {
    child,
    pid,
    origin: `http://127.0.0.1:${port}`,
    port: Number(port),
    output: () => output,
    errors: () => errors,
  };
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`It ended with ${code} before it listened`);
}
