import { realpathSync } from "node:fs";
import { createMetrics } from "../api/metrics.ts";
import type { DataStore } from "../registry/store/data/data-store.ts";
import { accessLog, linesTo } from "./access-log.ts";
import { answerClients } from "./answer-clients.ts";
import { banner, changeLine, logLine } from "./banner.ts";
import { collectRegularly } from "./collect-regularly.ts";
import { complain } from "./complain.ts";
import { describe } from "./describe.ts";
import { expireRegularly } from "./expire-regularly.ts";
import { count } from "./format.ts";
import type { Listening } from "./listen.ts";
import { countCollections, measureStores } from "./measure-stores.ts";
import { openNamedFolder } from "./open-named-folder.ts";
import { openRegistry } from "./open-registry.ts";
import { serveByWorkers } from "./serve-by-workers.ts";
import type { ServeCommand } from "./usage.ts";
import { workersOf } from "./workers.ts";

/** Serves a folder until SIGTERM or SIGINT. Throws UsageError when a folder or the address cannot be had. */
export async function serve(command: ServeCommand): Promise<void> {
  const { folder, cache } = command;
  const lines = linesTo(process.stdout);
  const workers =
    command.workers > 1
      ? workersOf(command.workers, { onProblem: complain, onLog: (text) => lines.write(text) })
      : undefined;
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
  // What it is now, for all who answer: a worker that is started later may find no folder, or another one.
  const answered = { ...command, folder: realpathSync(folder) };
  const closing: (() => void | Promise<void>)[] = [() => live.close()];
  const giveUp = async (error: unknown): Promise<never> => {
    for (const close of closing) await close();
    throw error;
  };
  const { registry, data } = await openRegistry(live, command, complain).catch(giveUp);
  closing.push(() => data.close());
  const metrics = createMetrics();
  measureStores(metrics, live, data);
  if (!command.readOnly) {
    const counted = countCollections(metrics, data.collect);
    const collect: DataStore["collect"] = (options) =>
      counted({ ...options, ...(workers ? { onUnlinked: workers.changed } : {}) });
    closing.push(collectRegularly({ opened: data.opened, collect }, command), giveUpUploads(data, command));
  }
  const log = command.accessLog && !workers ? accessLog(lines) : undefined;
  if (command.accessLog && workers) closing.push(() => lines.end());
  const serving = workers
    ? serveByWorkers(registry, workers, answered, metrics)
    : answerClients(registry, answered, { metrics, log });
  const { listening, transfers } = await serving.catch(giveUp);
  const show = process.stdout.isTTY ? banner : logLine;
  // First, because whoever reads that it serves may stop it at once.
  stopOnSignal(listening, closing);
  process.stdout.write(show({ command, catalogue: live.current, listening, transfers }));
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
