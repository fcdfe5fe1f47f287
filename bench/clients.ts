import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LatencyResult } from "./latency-client.ts";
import { Missing } from "./missing.ts";
import type { PushResult } from "./push-client.ts";
import { script } from "./script.ts";
import type { SinkResult } from "./sink.ts";

const run = promisify(execFile);

/** What a load client did. */
export interface Load {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** Asks for a small answer as often as it can. Throws when one was not a 200. */
export type SmallLoad = (url: string, connections: number, seconds: number) => Promise<Load>;

/**
 * A client made of `wrk`, which takes less than half of the CPU that the server needs for the same requests. Its summary is
 * written by a script that is put into `folder`. Throws Missing.
 */
export async function createSmallLoad(folder: string): Promise<SmallLoad> {
  const summary = join(folder, "summary.lua");
  writeFileSync(summary, SUMMARY);
  await run("wrk", ["-v"]).catch((error: NodeJS.ErrnoException) => {
    // Asked for its version, wrk prints it and fails.
    if (error.code === "ENOENT")
      throw new Missing("wrk is missing: install the package wrk (Debian, Ubuntu: apt install wrk)");
  });
  return async (url, connections, seconds) => {
    const args = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "-s", summary, url];
    const { stdout } = await run("wrk", args);
    const { failures, ...load } = JSON.parse(stdout.slice(stdout.lastIndexOf("{"))) as Load & { failures: number };
    if (failures > 0) throw new Error(`${failures} requests of ${url} failed`);
    return load;
  };
}

/** Exact figures: what wrk prints itself is rounded. */
const SUMMARY = `function done(summary)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"requests":%d,"bytes":%d,"seconds":%f,"failures":%d}\\n',
    summary.requests, summary.bytes, summary.duration / 1e6, failures))
end
`;

/** Fetches a large answer again and again; with 0 seconds once per connection. */
export async function largeLoad(url: string, connections: number, seconds: number): Promise<SinkResult> {
  const { stdout } = await run(process.execPath, [script("sink.js"), url, String(connections), String(seconds)]);
  return JSON.parse(stdout) as SinkResult;
}

/** Pushes blobs or images; see push-client.ts. */
export async function push(...args: readonly (string | number)[]): Promise<PushResult> {
  const { stdout } = await run(process.execPath, [script("push-client.js"), ...args.map(String)]);
  return JSON.parse(stdout) as PushResult;
}

/** How long a small answer takes while `action` runs, asked for again and again by a process of its own. */
export async function latencyDuring(url: string, action: () => Promise<unknown>): Promise<LatencyResult> {
  const asking = run(process.execPath, [script("latency-client.js"), url]);
  // Refused when it fails, which is heard below.
  asking.catch(() => {});
  await action();
  asking.child.kill();
  return JSON.parse((await asking).stdout) as LatencyResult;
}
