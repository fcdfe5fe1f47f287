import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { cpuSecondsOf, type Memory, memoryOf, peakMemoryOf } from "./process-tree.ts";

/** A server in processes of its own, and what the kernel says of them. */
export interface ServerProcess {
  readonly origin: string;
  /** User and system time of all its processes and threads until now, in seconds; counted in steps of 10 ms. */
  cpuSeconds(): number;
  memory(): Memory;
  /** The most physical memory that it has held since it was started (RSS), in MiB. */
  peakMemory(): number;
  stop(): Promise<void>;
}

/** Starts a server that prints its address, and resolves when it has. What it complains about is added to the file `log`. */
export async function startPrinting(program: string, args: readonly string[], log: string): Promise<ServerProcess> {
  const complaints = openSync(log, "a");
  const child = spawn(program, args, { stdio: ["ignore", "pipe", complaints] });
  closeSync(complaints);
  stopAtTheEnd(child);
  const port = await portOf(child);
  // A log that nobody reads would fill the pipe.
  child.stdout?.resume();
  return serverProcess(child, port);
}

/** Starts another server and resolves when it answers on its port. */
export async function startAnswering(
  program: string,
  args: readonly string[],
  { port, env = {} }: { readonly port: number; readonly env?: Readonly<Record<string, string>> },
): Promise<ServerProcess> {
  const child = spawn(program, args, { stdio: "ignore", env: { ...process.env, ...env } });
  const origin = `http://127.0.0.1:${port}/v2/`;
  stopAtTheEnd(child);
  const started = performance.now();
  while (!(await fetch(origin).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`${program} ended before it answered`);
    if (performance.now() - started > PATIENCE) throw new Error(`${program} does not answer`);
    await wait(5);
  }
  return serverProcess(child, String(port));
}

/** For the first answer of a server, in ms. */
const PATIENCE = 60_000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill();
});

/** Servers must not outlive the benchmark, however it ends. */
function stopAtTheEnd(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
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
  const { pid } = child;
  if (pid === undefined) throw new Error("The server was not started");
  return {
    // The number and not the name, because a name may be tried as IPv6 first.
    origin: `http://127.0.0.1:${port}`,
    cpuSeconds: () => cpuSecondsOf(pid),
    memory: () => memoryOf(pid),
    peakMemory: () => peakMemoryOf(pid),
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
