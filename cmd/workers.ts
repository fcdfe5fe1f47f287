import cluster, { type Worker } from "node:cluster";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Snapshot } from "../api/metrics-text.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Reader } from "../registry/registry.ts";
import { findBlob } from "../registry/store/found-blob.ts";
import type { Serving } from "./answer-clients.ts";
import { describe, messageOf } from "./describe.ts";
import { figuresOfMany } from "./figures-of-many.ts";
import { freePort } from "./listen.ts";
import { UsageError } from "./usage-error.ts";
import type { FromWorker, Question, Refusal, ToWorker, WorkerOptions } from "./worker-messages.ts";

/** Processes that answer for this one, each with a copy of what it has asked for. */
export interface Workers {
  /** Starts them. Throws UsageError when they cannot listen. */
  start(options: WorkerOptions, registry: Reader): Promise<Serving>;
  /**
   * Resolves when none of them remembers any more what a repository, or without one any, was like before. One that does
   * not say so in time is ended.
   */
  changed(repository?: string): Promise<void>;
  /** What they have counted, also those that ended, as far as that was asked for before. */
  snapshots(): Promise<Snapshot[]>;
}

export interface WorkersOptions {
  /** Hears what went wrong, for people. */
  readonly onProblem: (message: string) => void;
  /** Hears lines of the access log. */
  readonly onLog: (lines: string) => void;
}

/** One that does nothing else for so long, in ms, hangs; reading from a slow disk takes less. */
const PATIENCE = 10_000;

/** Whoever wants figures does not wait longer, in ms, for one that hangs. */
const SOON = 1_000;

/** One that ended sooner after its start than this, in ms, would do so again at once. */
const SETTLED = 1_000;

/** `count` workers; each that ends is replaced. */
export function workersOf(count: number, { onProblem, onLog }: WorkersOptions): Workers {
  const all = new Set<Worker>();
  /** Those that listen to messages; the others know nothing yet, and what they are told is lost. */
  const ready = new Map<Worker, Questions>();
  const figures = figuresOfMany();
  let isServing = false;
  let stopping = false;
  // One that hangs does not see that this process has gone, and would keep the port.
  process.once("exit", () => {
    for (const worker of all) worker.process.kill("SIGKILL");
  });

  /** Resolves with what it listens to. */
  const run = (registry: Reader): Promise<Ready> =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      const onEnd = (how: string): void => {
        reject(new UsageError(how));
        if (stopping || !isServing) return;
        onProblem(`${how}; another one takes its place`);
        setTimeout(replace, performance.now() - started < SETTLED ? SETTLED : 0, registry);
      };
      const worker = start(onEnd);
      if (!worker) return;
      const questions = questionsTo(worker);
      worker.on("message", (message: FromWorker) => {
        if (message.say === "ready") {
          // It may have died right after it said so, and nothing will ever be heard of it again.
          if (all.has(worker)) ready.set(worker, questions);
        } else if (message.say === "ask") void answer(worker, message.id, message.question, registry);
        else if (message.say === "heard") questions.answered(message.id);
        else if (message.say === "measured") questions.answered(message.id, message.snapshot);
        else if (message.say === "log") onLog(message.lines);
        else if (message.say === "ended") tell(worker, { say: "leave" });
        else if (message.say === "listening") resolve(message);
        else {
          if (isServing) onProblem(`a worker cannot answer: ${message.message}`);
          reject(new UsageError(message.message));
          tell(worker, { say: "leave" });
        }
      });
    });

  /** Undefined when the system has no room for another process. */
  const start = (onEnd: (how: string) => void): Worker | undefined => {
    try {
      const worker = cluster.fork();
      const end = (how: string): void => {
        if (!all.delete(worker)) return;
        ready.get(worker)?.end();
        ready.delete(worker);
        figures.end(worker);
        onEnd(how);
      };
      all.add(worker);
      // It is also told when a message does not reach one that is just ending; only without a process there is no end.
      worker.on("error", (error) => {
        if (worker.process.pid === undefined) end(`a worker cannot be started (${error.message})`);
      });
      worker.once("exit", (code, signal) => end(`a worker ended (${signal ?? `exit code ${code}`})`));
      return worker;
    } catch (error) {
      onEnd(`a worker cannot be started (${messageOf(error)})`);
      return undefined;
    }
  };

  const replace = (registry: Reader): void => {
    // That it fails has been said, and is tried again.
    if (!stopping) run(registry).catch(() => {});
  };

  const answer = async (worker: Worker, id: number, question: Question, registry: Reader): Promise<void> => {
    try {
      tell(worker, { say: "answer", id, value: await answerTo(question, registry) });
    } catch (thrown) {
      if (!(thrown instanceof RegistryError))
        onProblem(
          `cannot tell a worker the ${question.kind} that it asks for in ${question.repository}: ${describe(thrown)}`,
        );
      tell(worker, { say: "refusal", id, refusal: refusalOf(thrown) });
    }
  };

  /** Resolves when it has heard it; one that does not say so in time is ended. */
  const insist = async (worker: Worker, { ask }: Questions, message: (id: number) => ToWorker): Promise<void> => {
    const timer = setTimeout(() => {
      onProblem(`the worker ${worker.process.pid} does not answer and is ended`);
      worker.process.kill("SIGKILL");
    }, PATIENCE);
    await ask(message);
    clearTimeout(timer);
  };

  const stop = async (): Promise<void> => {
    stopping = true;
    const ended = [...all].map((worker) => new Promise<void>((resolve) => worker.once("exit", () => resolve())));
    for (const worker of all) {
      const questions = ready.get(worker);
      if (questions) void insist(worker, questions, (id) => ({ say: "stop", id }));
      else worker.process.kill("SIGKILL");
    }
    await Promise.all(ended);
  };

  return {
    async start(options, registry) {
      // They accept connections themselves. Those that Node would hand to one that has just ended would wait for ever.
      cluster.schedulingPolicy = cluster.SCHED_NONE;
      // All by the same number: to Node "any free port" is another address, which those that come later would not share.
      const port = options.port === 0 ? await freePort(options.host) : options.port;
      cluster.setupPrimary({
        exec: fileURLToPath(new URL("./worker.js", import.meta.url)),
        args: [JSON.stringify({ ...options, port })],
        serialization: "advanced",
      });
      try {
        const [{ way, ...listening }] = await Promise.all([
          run(registry),
          ...Array.from({ length: count - 1 }, () => run(registry)),
        ]);
        isServing = true;
        return { listening: { ...listening, close: stop }, transfers: { way } };
      } catch (error) {
        await stop();
        throw error;
      }
    },
    async snapshots() {
      const late = pause(SOON, undefined, { ref: false });
      const measure = async ([worker, { ask }]: [Worker, Questions]): Promise<void> => {
        figures.set(worker, await Promise.race([ask((id) => ({ say: "measure", id })), late]));
      };
      await Promise.all([...ready].map(measure));
      return figures.all();
    },
    async changed(repository) {
      const forget = (id: number): ToWorker => ({
        say: "forget",
        id,
        ...(repository === undefined ? {} : { repository }),
      });
      await Promise.all([...ready].map(([worker, questions]) => insist(worker, questions, forget)));
    },
  };
}

type Ready = Extract<FromWorker, { say: "listening" }>;

function tell(worker: Worker, message: ToWorker): void {
  // One that is just ending need not hear it, and who waits for it hears of its end.
  if (worker.isConnected()) worker.send(message, () => {});
}

/** What a worker was asked and has not answered yet. */
interface Questions {
  /** Resolves with its answer; without one when it is gone, and with it all that it knew. */
  ask(message: (id: number) => ToWorker): Promise<Snapshot | undefined>;
  answered(id: number, answer?: Snapshot): void;
  end(): void;
}

function questionsTo(worker: Worker): Questions {
  const waiting = new Map<number, (answer?: Snapshot) => void>();
  let last = 0;
  return {
    ask: (message) =>
      new Promise((resolve) => {
        const id = ++last;
        waiting.set(id, resolve);
        tell(worker, message(id));
      }),
    answered(id, answer) {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    },
    end() {
      for (const resolve of waiting.values()) resolve();
    },
  };
}

async function answerTo(question: Question, registry: Reader): Promise<unknown> {
  const { kind, repository } = question;
  if (kind === "manifest") {
    // And not what else a store knows of it.
    const { descriptor, bytes } = await registry.getManifest(repository, question.reference);
    return { descriptor, bytes };
  }
  if (kind === "stat-blob") return registry.statBlob(repository, question.digest);
  return findBlob(registry, repository, question.digest, question.range);
}

function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof RegistryError)) return { code: "UNKNOWN" };
  const { code, detail, size, damaged } = thrown;
  return { code, damaged, ...(detail === undefined ? {} : { detail }), ...(size === undefined ? {} : { size }) };
}
