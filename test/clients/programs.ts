import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { projectRoot } from "../support/root.ts";
import { run } from "./run.ts";

/** Runs one program with the given arguments and returns what it wrote to standard output. */
export type Tool = (...args: string[]) => Promise<string>;

/** Daemons live in folders that only root has on its search path. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Every installed program of this name, the one that a shell would start first. */
export function findPrograms(name: string): string[] {
  const own = process.env.CLIENTS_BIN || join(projectRoot(), ".clients/bin");
  const path = (process.env.PATH ?? "").split(delimiter);
  const folders = new Set([own, ...path, ...SYSTEM_FOLDERS]);
  return [...folders].map((folder) => join(folder, name)).filter(isExecutable);
}

/** The installed program of this name. */
export function findProgram(name: string): string {
  const [program] = findPrograms(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  return program;
}

/**
 * A client that keeps its settings and credentials in `home` and not in those of the user.
 * The `fixed` arguments come first in each call.
 */
export function tool(program: string, home: string, ...fixed: string[]): Tool {
  const elsewhere = { DOCKER_CONFIG: undefined, REGISTRY_AUTH_FILE: undefined };
  const env = { ...process.env, ...elsewhere, HOME: home, XDG_CONFIG_HOME: home };
  return (...args) => run(program, [...fixed, ...args], env);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
