import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import type { DataStore } from "../registry/store/data/data-store.ts";
import { banner, changeLine, logLine } from "./banner.ts";
import { complain } from "./complain.ts";
import { expireRegularly } from "./expire-regularly.ts";
import { count } from "./format.ts";
import { collectionLine } from "./gc.ts";
import { answerRequests } from "./gc-requests.ts";
import { type Listening, listen } from "./listen.ts";
import { openNamedFolder } from "./open-named-folder.ts";
import { openRegistry } from "./open-registry.ts";
import type { ServeCommand } from "./usage.ts";

/** Serves a folder until SIGTERM or SIGINT. Throws UsageError when a folder or the address cannot be had. */
export async function serve(command: ServeCommand): Promise<void> {
  const { folder, cache, host, port, accessLog } = command;
  const live = openNamedFolder(
    { folder, cache },
    {
      onChange: (catalogue) => process.stdout.write(changeLine({ folder, catalogue })),
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
  if (!command.readOnly) closing.push(collectRegularly(data, command), giveUpUploads(data, command));
  const transfers = createTransfers({ memory: command.transferMemory, ...(command.native ? {} : { native: false }) });
  const server = await createServer(registry, {
    transfers,
    onError: (error, { method, url }) => complain(`${method} ${url} failed: ${describe(error)}`),
    ...(accessLog ? { onRequest: logRequest } : {}),
  });
  const listening = await listen(server, { host, port }).catch(giveUp);
  const show = process.stdout.isTTY ? banner : logLine;
  process.stdout.write(show({ command, catalogue: live.current, listening, transfers }));
  stopOnSignal(listening, closing);
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

function logRequest(request: IncomingMessage, response: ServerResponse, started: number): void {
  const { method, url, headers, socket } = request;
  const line = {
    time: new Date().toISOString(),
    method,
    url,
    status: response.statusCode,
    complete: response.writableFinished,
    milliseconds: Number((performance.now() - started).toFixed(3)),
    client: socket.remoteAddress,
    agent: headers["user-agent"]?.slice(0, 256),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
