import { spawn } from "node:child_process";
import { once } from "node:events";
import { readAll } from "../../registry/content.ts";
import { Background } from "./background.ts";
import type { Cleanup } from "./cleanup.ts";
import { interruption } from "./interruption.ts";

const TIME_LIMIT = 180_000;

/** Somebody with a terminal, who types commands as they are printed. */
export class Reader {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  /** Works in `folder`. */
  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Runs a command to its end, and returns what it wrote to standard output. It must succeed. */
  async run(command: string): Promise<string> {
    const [program, args] = shell(command);
    const child = spawn(program, args, {
      cwd: this.#folder,
      env: this.#env,
      detached: true, // so that what the command started can be ended with it
      stdio: ["ignore", "pipe", "pipe"],
    });
    const end = () => void (child.pid !== undefined && process.kill(-child.pid));
    const early = AbortSignal.any([interruption, AbortSignal.timeout(TIME_LIMIT)]);
    early.addEventListener("abort", end);
    const [out, err, [code, signal]] = await Promise.all([
      readAll(child.stdout).then(String),
      readAll(child.stderr).then(String),
      once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    early.removeEventListener("abort", end);
    if (code !== 0) throw new Error(`${command}\nended with ${signal ?? code}\n${out}\n${err}`);
    return out;
  }

  /** Starts a command, which runs until `cleanup`, waits until its output matches `sign`, and returns the output. */
  async start(command: string, sign: RegExp, cleanup: Cleanup): Promise<string> {
    const surroundings = { cwd: this.#folder, env: this.#env, interactive: true };
    const background = new Background(...shell(command), cleanup, surroundings);
    return background.started(async () => (sign.test(background.output) ? background.output : undefined), TIME_LIMIT);
  }
}

const shell = (command: string): [string, string[]] => ["bash", ["-e", "-o", "pipefail", "-c", command]];
