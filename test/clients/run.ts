import { type ExecFileException, execFile } from "node:child_process";
import { promisify } from "node:util";
import { interruption } from "./interruption.ts";

/** Enough for a layer of 2 GiB on a busy machine. */
const TIME_LIMIT = 180_000;
const OUTPUT_LIMIT = 16 * 1024 * 1024;

type Failure = ExecFileException & { stdout: string; stderr: string };

const execute = promisify(execFile);

/**
 * Runs a program to its end, with nothing on its standard input, and returns what it wrote to
 * standard output. Unless it succeeds, the error shows the command, how it ended and what it said.
 */
export async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const running = execute(program, args, {
    env,
    timeout: TIME_LIMIT,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_LIMIT,
  });
  running.child.stdin?.end();
  const end = () => void running.child.kill();
  interruption.addEventListener("abort", end);
  try {
    return (await running).stdout;
  } catch (error) {
    throw new Error(report([program, ...args], error as Failure));
  } finally {
    interruption.removeEventListener("abort", end);
  }
}

function report(command: string[], { code, signal, stdout, stderr }: Failure): string {
  const end = signal ? `was ended by ${signal}` : `failed with ${code}`;
  return [`${command.join(" ")}\n${end}`, stdout.trim(), stderr.trim()].filter(Boolean).join("\n");
}
