import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { runCommand, type Serving, startServing } from "../support/command.ts";
import { projectRoot } from "../support/root.ts";
import type { Cleanup } from "./cleanup.ts";

/** A server that can be pushed to: what image names begin with, and where it keeps what is pushed. */
export interface PushServer extends Serving {
  readonly host: string;
  readonly data: string;
}

/** Starts a server of the sample image whose data folder is `data`. `cleanup` kills it. */
export async function startPushServer(cleanup: Cleanup, data: string, ...args: string[]): Promise<PushServer> {
  const serving = await startServing({ after: cleanup }, IMAGES, "--data", data, "--access-log", ...args);
  // Nobody reads it, and a pipe that is full would stop the server.
  serving.child.stderr?.resume();
  return { ...serving, host: `localhost:${serving.port}`, data };
}

/** What `ociregistry check` says of a data folder in one line, when all is well. Throws with all that it says otherwise. */
export async function checkPushed(data: string): Promise<string> {
  const { code, out, err } = await runCommand("check", IMAGES, "--data", data);
  if (code !== 0) throw new Error(`check ended with ${code}: ${out}${err}`);
  return out;
}

/** The files that are there while something is being sent or written, and should not be there afterwards. */
export function unfinishedFiles(data: string): string[] {
  return ["tmp", "uploads"].flatMap((folder) => filesIn(join(data, folder)));
}

/** How many bytes of uploads the server has written down. */
export function bytesUnderWay(data: string): number {
  return filesIn(join(data, "uploads")).reduce((sum, path) => sum + (statOf(path)?.size ?? 0), 0);
}

const IMAGES = join(projectRoot(), "images");

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

const statOf = (path: string) => statSync(path, { throwIfNoEntry: false });
