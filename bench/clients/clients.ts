import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { script } from "../script.ts";
import type { LatencyResult } from "./latency-client.ts";
import type { PullResult } from "./pull-client.ts";
import type { PushResult } from "./push-client.ts";
import type { SlowResult } from "./slow-client.ts";

const run = promisify(execFile);

/** Runs one of the clients that are programs of Node, with the Node of the benchmark itself. */
async function runClient<Result>(name: string, args: readonly (string | number)[]): Promise<Result> {
  const { stdout } = await run(process.execPath, [script(`clients/${name}.js`), ...args.map(String)]);
  return JSON.parse(stdout) as Result;
}

/** Pushes blobs or images; see push-client.ts. */
export const push = (...args: readonly (string | number)[]): Promise<PushResult> => runClient("push-client", args);

/** Pulls whole images; see pull-client.ts. */
export const pull = (...args: readonly (string | number)[]): Promise<PullResult> => runClient("pull-client", args);

/** How long a small answer takes while `action` runs, asked for again and again by a process of its own. */
export async function latencyDuring(url: string, action: () => Promise<unknown>): Promise<LatencyResult> {
  const stop = startClient<LatencyResult>("latency-client", [url]);
  await action();
  return stop();
}

/** Starts so many slow readers; see slow-client.ts. Gives what stops them. */
export const startSlowReaders = (url: string, count: number): (() => Promise<SlowResult>) =>
  startClient<SlowResult>("slow-client", [url, String(count)]);

/** For a client that goes on until it is told to stop, and then prints its result. */
function startClient<Result>(name: string, args: readonly string[]): () => Promise<Result> {
  const going = run(process.execPath, [script(`clients/${name}.js`), ...args]);
  // Refused when it fails, which is heard when it is stopped.
  going.catch(() => {});
  return async () => {
    going.child.kill();
    return JSON.parse((await going).stdout) as Result;
  };
}
