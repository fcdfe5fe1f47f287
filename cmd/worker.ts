import { Writable } from "node:stream";
import { fetchBlob } from "../api/fetch-blob.ts";
import { createMetrics } from "../api/metrics.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Descriptor, ManifestContent } from "../registry/registry.ts";
import type { FoundBlob } from "../registry/store/found-blob.ts";
import { mirror, type Origin } from "../registry/store/mirror.ts";
import { accessLog, linesTo } from "./access-log.ts";
import { answerClients } from "./answer-clients.ts";
import { UsageError } from "./usage-error.ts";
import type { FromWorker, Question, ToWorker, WorkerOptions } from "./worker-messages.ts";

/** One of several processes that serve: reads for itself, and passes the rest on to the one that started it. */
async function work(options: WorkerOptions): Promise<void> {
  const { socketPath } = options;
  const waiting = new Map<number, Waiting>();
  const { registry, forget } = mirror(originBehind(socketPath, waiting));
  const metrics = createMetrics();
  let stop = (): void => say({ say: "ended" });
  // A terminal sends it to all processes; the one that started this one says what to do.
  process.on("SIGINT", () => {});
  process.on("message", (message: ToWorker) => {
    if (message.say === "forget") {
      forget(message.repository);
      say({ say: "heard", id: message.id });
    } else if (message.say === "measure") say({ say: "measured", id: message.id, snapshot: metrics.snapshot() });
    else if (message.say === "stop") {
      say({ say: "heard", id: message.id });
      stop();
    } else if (message.say === "leave") process.exit(0);
    else settle(waiting, message);
  });
  say({ say: "ready" });
  try {
    const log = options.accessLog ? accessLog(linesTo(messages())) : undefined;
    const { listening, transfers } = await answerClients(registry, options, { log, metrics, forwardTo: socketPath });
    stop = () => void listening.close().then(() => say({ say: "ended" }));
    process.on("SIGTERM", stop);
    const { port, addresses, origin } = listening;
    say({ say: "listening", port, addresses, origin, way: transfers.way });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say({ say: "failed", message: error.message });
  }
}

/** One process writes the lines of all: what several write into a pipe may be mixed within a line. */
const messages = (): Writable =>
  new Writable({
    decodeStrings: false,
    write: (lines: string, _encoding, done) => void process.send?.({ say: "log", lines } satisfies FromWorker, done),
  });

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: RegistryError) => void;
}

const say = (message: FromWorker): void => void process.send?.(message);

/** The process that has the registry: asked by messages, and for what it has to check on its way, over HTTP. */
function originBehind(socketPath: string, waiting: Map<number, Waiting>): Origin {
  let last = 0;
  const ask = <T>(question: Question): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      say({ say: "ask", id, question });
    });
  return {
    getManifest: (repository, reference) => ask<ManifestContent>({ kind: "manifest", repository, reference }),
    statBlob: (repository, digest) => ask<Descriptor>({ kind: "stat-blob", repository, digest }),
    findBlob: (repository, digest, range) =>
      ask<FoundBlob>({ kind: "blob", repository, digest, ...(range ? { range } : {}) }),
    fetchBlob: (repository, digest, range) => fetchBlob(socketPath, repository, digest, range),
  };
}

function settle(waiting: Map<number, Waiting>, message: Extract<ToWorker, { say: "answer" | "refusal" }>): void {
  const asked = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.say === "answer") asked?.resolve(message.value as never);
  else {
    const { code, detail, ...rest } = message.refusal;
    asked?.reject(new RegistryError(code, detail, rest));
  }
}

void work(JSON.parse(process.argv[2] ?? "") as WorkerOptions);
