import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { projectRoot } from "../support/root.ts";
import type { Cleanup } from "./cleanup.ts";

const START_LIMIT = 30_000;
const STOP_LIMIT = 20_000;
const POLL_INTERVAL = 20;

/** A program that runs until `cleanup` ends it: our server, or the daemon of a client. */
export class Background {
  /** What it wrote so far, to standard output and standard error. */
  output = "";
  readonly #command: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #running = true;

  /** Starts the program in the root of the repository. `cleanup` ends it with SIGTERM. */
  constructor(program: string, args: readonly string[], cleanup: Cleanup) {
    this.#command = [program, ...args].join(" ");
    // Detached, because a Ctrl-C in the terminal would otherwise end it before what depends on it.
    this.#process = spawn(program, args, {
      detached: true,
      cwd: projectRoot(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout?.on("data", (chunk) => this.#keep(chunk));
    this.#process.stderr?.on("data", (chunk) => this.#keep(chunk));
    this.#ended = this.#watchEnd();
    cleanup(() => this.#stop());
  }

  /** Asks `probe` until it has an answer, which it gives when the program has started. */
  async started<Answer>(probe: () => Promise<Answer | undefined>): Promise<Answer> {
    const deadline = Date.now() + START_LIMIT;
    for (;;) {
      const answer = await probe();
      if (answer !== undefined) return answer;
      if (!this.#running) throw this.#problem("ended before it was ready");
      if (Date.now() > deadline) throw this.#problem(`was not ready after ${START_LIMIT} ms`);
      await delay(POLL_INTERVAL);
    }
  }

  #keep(text: Buffer | string): void {
    this.output += text;
  }

  #watchEnd(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#running = false;
        resolve();
      };
      // A program that could not be started at all has no end, only an error.
      this.#process.once("error", (error) => this.#keep(`${error}\n`));
      this.#process.once("error", end);
      this.#process.once("exit", end);
    });
  }

  async #stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    const overdue = setTimeout(() => this.#process.kill("SIGKILL"), STOP_LIMIT);
    await this.#ended;
    clearTimeout(overdue);
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== 0) throw this.#problem(`ended with ${signalCode ?? exitCode}, not with 0`);
  }

  #problem(what: string): Error {
    return new Error(`${this.#command}\n${what}\n${this.output}`);
  }
}
