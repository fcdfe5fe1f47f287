import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Latency } from "../measure/latency.ts";
import { Missing } from "../missing.ts";
import { projectFile } from "../script.ts";

const run = promisify(execFile);

/** What is asked for, by how many connections, for how long. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  /** With 0, each connection asks once and waits for the end. */
  readonly seconds: number;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Of every answer; another one is an error. */
  readonly status?: number;
}

/** What came, and how long those requests took that were answered to their end. */
export interface Loaded extends Latency {
  /** Of bodies, also of those that were still on their way. */
  readonly bytes: number;
  readonly seconds: number;
  /** Of the client itself, in seconds. */
  readonly cpu: number;
}

/** Throws when something was not answered as it should be. */
export type LoadClient = (load: Load) => Promise<Loaded>;

/** Builds load.c into a folder. Throws Missing. */
export async function buildLoadClient(folder: string): Promise<LoadClient> {
  const program = join(folder, "load");
  await run("cc", ["-O2", "-o", program, projectFile("bench/clients/load.c")]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Missing(
      "there is no C compiler for the client: install the package gcc (Debian, Ubuntu: apt install gcc)",
    );
  });
  return async ({ url, connections, seconds, method = "GET", headers = {}, status = 200 }) => {
    const { port, pathname, search } = new URL(url);
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const args = [port, connections, seconds, status, method, pathname + search].map(String);
    return JSON.parse((await run(program, [...args, ...fields])).stdout) as Loaded;
  };
}
