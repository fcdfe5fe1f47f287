import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import type { BareAnswer } from "./bare-manifest.ts";
import { script } from "./script.ts";

/** A server in a process of its own, and what the kernel says of it. */
export interface ServerProcess {
  readonly origin: string;
  /** User and system time of all its threads until now, in seconds; counted in steps of 10 ms. */
  cpuSeconds(): number;
  memory(): Memory;
  /** The most physical memory that it has held since it was started (RSS), in MiB. */
  peakMemory(): number;
  stop(): Promise<void>;
}

/** What a process holds of the physical memory, in MiB. */
export interface Memory {
  /** Pages that it shares with other processes, such as Node's own code, are divided among them (PSS). */
  readonly share: number;
  /** All pages in full (RSS): about the share that it would have if no other Node process ran. */
  readonly alone: number;
}

/** Starts ociregistry on a folder, with a place for what it keeps. */
export const startRegistry = (folder: string, cache: string): Promise<ServerProcess> =>
  start(script("../cmd/main.js"), ["serve", folder, "--port", "0", "--cache", cache]);

/** Starts ociregistry on a data folder, `data` in `folder`, with no archives beside it. */
export function startDataRegistry(folder: string, ...flags: readonly string[]): Promise<ServerProcess> {
  const images = join(folder, "images");
  mkdirSync(images, { recursive: true });
  return start(script("../cmd/main.js"), ["serve", images, "--data", join(folder, "data"), "--port", "0", ...flags]);
}

/** Starts a bare server that gives this answer to every request. */
export const startBareManifest = (answer: BareAnswer): Promise<ServerProcess> =>
  start(script("bare-manifest.js"), [JSON.stringify(answer)]);

/** Starts a bare server that gives this file to every request. */
export const startBareBlob = (path: string): Promise<ServerProcess> => start(script("bare-blob.js"), [path]);

/** Resolves when the server has printed its address. */
async function start(path: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  return serverProcess(child, await portOf(child));
}

/** Starts another program and resolves when it answers on its port. */
export async function startProgram(
  program: string,
  args: readonly string[],
  { port, env }: { readonly port: number; readonly env: Readonly<Record<string, string>> },
): Promise<ServerProcess> {
  const child = spawn(program, args, { stdio: "ignore", env: { ...process.env, ...env } });
  const origin = `http://127.0.0.1:${port}/v2/`;
  while (!(await fetch(origin).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`${program} ended before it answered`);
    await wait(10);
  }
  return serverProcess(child, String(port));
}

/** For a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

function serverProcess(child: ChildProcess, port: string): ServerProcess {
  const proc = `/proc/${child.pid}`;
  return {
    // The number and not the name, because a name may be tried as IPv6 first.
    origin: `http://127.0.0.1:${port}`,
    cpuSeconds: () => cpuSecondsOf(readFileSync(`${proc}/stat`, "utf8")),
    memory: () => memoryOf(readFileSync(`${proc}/smaps_rollup`, "utf8")),
    peakMemory: () => mebibytes(readFileSync(`${proc}/status`, "utf8"), "VmHWM"),
    stop: async () => {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}

async function portOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error("The server was started without a pipe to read from");
  for await (const line of createInterface({ input: stdout })) {
    const [, port] = /http:\/\/localhost:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return port;
  }
  throw new Error("The server ended before it printed its address");
}

/** Linux counts in hundredths of a second for programs, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

function cpuSecondsOf(stat: string): number {
  // The second field is a name that may have spaces, so counting begins after it; utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function memoryOf(rollup: string): Memory {
  return { share: mebibytes(rollup, "Pss"), alone: mebibytes(rollup, "Rss") };
}

function mebibytes(text: string, name: string): number {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
  return Number(kibibytes) / 1024;
}
