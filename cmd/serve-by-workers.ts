import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metrics } from "../api/metrics.ts";
import { mergeSnapshots } from "../api/metrics-text.ts";
import { createServer } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import { announced } from "../registry/layer/announced.ts";
import type { Registry } from "../registry/registry.ts";
import { type Serving, tellOfFailure } from "./answer-clients.ts";
import { BACKLOG, stayUp } from "./listen.ts";
import type { ServeCommand } from "./usage.ts";
import { UsageError } from "./usage-error.ts";
import type { Workers } from "./workers.ts";

/**
 * Has clients answered by workers. This process keeps the registry and listens to the workers alone, on a socket that only
 * this user can reach. Throws UsageError when they cannot listen.
 */
export async function serveByWorkers(
  registry: Registry,
  workers: Workers,
  command: ServeCommand,
  metrics: Metrics,
): Promise<Serving> {
  const socket = openSocket();
  const server = await createServer(announced(registry, workers.changed), {
    metrics,
    // The workers watch the clients. A limit here as well would race with theirs, and end connections that wait to be used.
    stallLimit: 0,
    onError: tellOfFailure,
    measured: async () => mergeSnapshots([metrics.snapshot(), ...(await workers.snapshots())]),
    isBehind: true,
    // Only what has to be checked on its way to a worker, and that is a stream.
    transfers: createTransfers({ native: false }),
  });
  // A worker may send its next request just when an idle connection is closed.
  server.keepAliveTimeout = 0;
  server.listen({ path: socket.path, backlog: BACKLOG });
  await once(server, "listening");
  server.on("error", stayUp);
  const close = (): void => {
    server.close();
    server.closeAllConnections();
    socket.remove();
  };
  try {
    const { host, port, accessLog, native, stallLimit, folder, data, proxySendsBlobs } = command;
    const transferMemory = Math.ceil(command.transferMemory / command.workers);
    const served = { host, port, accessLog, native, stallLimit, transferMemory, folder, data, proxySendsBlobs };
    const { listening, transfers } = await workers.start({ ...served, socketPath: socket.path }, registry);
    return { transfers, listening: { ...listening, close: () => listening.close().finally(close) } };
  } catch (error) {
    close();
    throw error;
  }
}

/** What the address of a socket may be long, in bytes, on every system (sockaddr_un). */
const PATH_LIMIT = 103;

function openSocket(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "ociregistry-"));
  const path = join(folder, "socket");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  if (Buffer.byteLength(path) > PATH_LIMIT) {
    throw new UsageError(`the folder for temporary files, ${tmpdir()}, has too long a name for --workers; set TMPDIR`);
  }
  return { path, remove };
}
