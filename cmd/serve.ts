import { createServer, type ServerOptions } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import type { Registry } from "../registry/registry.ts";
import type { DataStore } from "../registry/store/data/data-store.ts";
import { banner, changeLine, logLine, type Started } from "./banner.ts";
import { complain } from "./complain.ts";
import { expireRegularly } from "./expire-regularly.ts";
import { count } from "./format.ts";
import { collectionLine } from "./gc.ts";
import { answerRequests } from "./gc-requests.ts";
import { type Listening, listen } from "./listen.ts";
import { openNamedFolder } from "./open-named-folder.ts";
import { openRegistry } from "./open-registry.ts";
import { serveByWorkers } from "./serve-by-workers.ts";
import { describe, logRequest } from "./serve-log.ts";
import type { ServeCommand } from "./usage.ts";
import { workersOf } from "./workers.ts";

/** Serves a folder until SIGTERM or SIGINT. Throws UsageError when a folder or the address cannot be had. */
export async function serve(command: ServeCommand): Promise<void> {
  const { folder, cache } = command;
  const workers = command.workers > 1 ? workersOf(command.workers, { onProblem: complain }) : undefined;
  const live = openNamedFolder(
    { folder, cache },
    {
      onChange: (catalogue) => {
        void workers?.changed();
        process.stdout.write(changeLine({ folder, catalogue }));
      },
      onError: (error) => complain(`cannot read ${folder}: ${describe(error)}`),
    },
  );
  const closing: (() => void | Promise<void>)[] = [() => live.close()];
  const giveUp = async (error: unknown): Promise<never> => {
    for (const close of closing) await close();
    throw error;
  };
  const { registry, data } = await openRegistry(live, command, complain).catch(giveUp);
  closing.push(() => data.close());
  const collect: DataStore["collect"] = (options) => data.collect(options).finally(() => workers?.changed());
  if (!command.readOnly) closing.push(collectRegularly({ ...data, collect }, command), giveUpUploads(data, command));
  const options: ServerOptions = {
    onError: (error, { method, url }) => complain(`${method} ${url} failed: ${describe(error)}`),
  };
  const serving = workers
    ? serveByWorkers(registry, workers, command, options)
    : serveAlone(registry, command, options);
  const { listening, transfers } = await serving.catch(giveUp);
  const show = process.stdout.isTTY ? banner : logLine;
  process.stdout.write(show({ command, catalogue: live.current, listening, transfers }));
  stopOnSignal(listening, closing);
}

async function serveAlone(
  registry: Registry,
  { host, port, accessLog, native, transferMemory }: ServeCommand,
  options: ServerOptions,
): Promise<Pick<Started, "listening" | "transfers">> {
  const transfers = createTransfers({ memory: transferMemory, ...(native ? {} : { native: false }) });
  const server = await createServer(registry, {
    ...options,
    transfers,
    ...(accessLog ? { onRequest: logRequest } : {}),
  });
  return { listening: await listen(server, { host, port }), transfers };
}

/** Collects on a schedule, and when `ociregistry gc` asks. Returns what ends that. */
function collectRegularly(data: DataStore, { gcInterval, gcGrace, data: folder }: ServeCommand): () => void {
  let requests: ReturnType<typeof answerRequests> | undefined;
  void data.opened.then(() => {
    requests = answerRequests(folder, data.collect, (error) =>
      complain(`ociregistry gc cannot reach this server until it is started again: ${messageOf(error)}`),
    );
  });
  const collect = async (): Promise<void> => {
    try {
      const collection = await data.collect({ grace: gcGrace });
      for (const problem of collection.problems) complain(problem);
      const { unlinked, trashed, removed, expired } = collection;
      if (unlinked + trashed + removed + expired > 0) process.stdout.write(`${collectionLine(collection)}\n`);
    } catch (error) {
      complain(`cannot collect garbage: ${describe(error)}`);
    }
    timer?.refresh();
  };
  const timer = gcInterval === 0 ? undefined : setTimeout(() => void collect(), gcInterval);
  timer?.unref();
  return () => {
    clearTimeout(timer);
    requests?.close();
  };
}

function giveUpUploads(data: DataStore, { limits }: ServeCommand): () => void {
  return expireRegularly(data, limits.uploadExpiry, {
    onExpired: (uploads) => process.stdout.write(`gave up ${count(uploads, "upload")} that nobody had continued\n`),
    onError: (error) => complain(`cannot give up uploads: ${describe(error)}`),
  });
}

function stopOnSignal(listening: Listening, closing: readonly (() => void | Promise<void>)[]): void {
  let stopping = false;
  const stop = (): void => {
    // A second signal is from somebody who does not want to wait.
    if (stopping) process.exit(1);
    stopping = true;
    void listening
      .close()
      .then(() => Promise.all(closing.map((close) => close())))
      .finally(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
