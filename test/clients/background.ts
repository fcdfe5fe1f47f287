import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { projectRoot } from "../support/root.ts";
import type { Cleanup } from "./cleanup.ts";

const START_LIMIT = 30_000;
const STOP_LIMIT = 20_000;
const POLL_INTERVAL = 20;

/** How a program runs, where that is not as a daemon in the root of the repository. */
export interface Surroundings {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** It is ended as by Ctrl-C in a terminal, with everything that it started. */
  interactive?: boolean;
}

/** A program that runs until `cleanup` ends it: our server, or the daemon of a client. */
export class Background {
  /** What it wrote so far, to standard output and standard error. */
  output = "";
  readonly #command: string;
  readonly #process: ChildProcess;
  readonly #interactive: boolean;
  readonly #ended: Promise<void>;
  #running = true;

  /** Starts the program in the root of the repository. `cleanup` ends it with SIGTERM. */
  constructor(program: string, args: readonly string[], cleanup: Cleanup, surroundings: Surroundings = {}) {
    const { cwd = projectRoot(), env = process.env, interactive = false } = surroundings;
    this.#command = [program, ...args].join(" ");
    this.#interactive = interactive;
    // Detached, because a Ctrl-C in the terminal would otherwise end it before what depends on it.
    this.#process = spawn(program, args, {
      detached: true,
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout?.on("data", (chunk) => this.#keep(chunk));
    this.#process.stderr?.on("data", (chunk) => this.#keep(chunk));
    this.#ended = this.#watchEnd();
    cleanup(() => this.#stop());
  }

  /** Asks `probe` until it has an answer, which it gives when the program has started. */
  async started<Answer>(probe: () => Promise<Answer | undefined>, limit = START_LIMIT): Promise<Answer> {
    const deadline = Date.now() + limit;
    for (;;) {
      const answer = await probe();
      if (answer !== undefined) return answer;
      if (!this.#running) throw this.#problem("ended before it was ready");
      if (Date.now() > deadline) throw this.#problem(`was not ready after ${limit} ms`);
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
      // What it started may outlive it for a moment, and then still writes to the same output.
      this.#process.once(this.#interactive ? "close" : "exit", end);
    });
  }

  async #stop(): Promise<void> {
    this.#signal(this.#interactive ? "SIGINT" : "SIGTERM");
    const overdue = setTimeout(() => this.#signal("SIGKILL"), STOP_LIMIT);
    await this.#ended;
    clearTimeout(overdue);
    const { exitCode, signalCode } = this.#process;
    // A shell ends by the signal, whatever the program does that it waits for.
    if (this.#interactive && signalCode === "SIGINT") return;
    if (exitCode !== 0) throw this.#problem(`ended with ${signalCode ?? exitCode}, not with 0`);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (this.#interactive && this.#running && pid !== undefined) process.kill(-pid, signal);
    else this.#process.kill(signal);
  }

  #problem(what: string): Error {
    return new Error(`${this.#command}\n${what}\n${this.output}`);
  }
}
