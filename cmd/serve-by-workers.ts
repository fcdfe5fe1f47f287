import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metrics } from "../api/metrics.ts";
import { mergeSnapshots } from "../api/metrics-text.ts";
import { createServer } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import { announced } from "../registry/layer/announced.ts";
import type { Registry } from "../registry/registry.ts";
import { type Serving, tellOfFailure } from "./answer-clients.ts";
import { messageOf } from "./describe.ts";
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
  const socket = makeSocket();
  const share = Math.floor(command.transferMemory / (command.workers + 1));
  const server = await createServer(announced(registry, workers.changed), {
    metrics,
    // The workers watch the clients. A limit here as well would race with theirs, and end connections that wait to be used.
    stallLimit: 0,
    onError: tellOfFailure,
    measured: async () => mergeSnapshots([metrics.snapshot(), ...(await workers.snapshots())]),
    isBehind: true,
    // A file goes out here only when the worker that asks for it cannot open it.
    transfers: createTransfers({ native: false, memory: command.transferMemory - command.workers * share }),
  });
  // A worker may send its next request just when an idle connection is closed.
  server.keepAliveTimeout = 0;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
    socket.remove();
  };
  try {
    await listenAt(server, socket.path);
    server.on("error", stayUp);
    const options = { ...command, transferMemory: share, socketPath: socket.path };
    const { listening, transfers } = await workers.start(options, registry);
    return { transfers, listening: { ...listening, close: () => listening.close().finally(close) } };
  } catch (error) {
    close();
    throw error;
  }
}

/** What the address of a socket may be long, in bytes, on every system (sockaddr_un). */
const PATH_LIMIT = 103;

/** The path of one that nobody listens to yet. Throws UsageError. */
function makeSocket(): { readonly path: string; remove(): void } {
  const folder = makeFolder();
  const path = join(folder, "socket");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  if (Buffer.byteLength(path) > PATH_LIMIT) {
    throw new UsageError(`the folder for temporary files, ${tmpdir()}, has too long a name for --workers; set TMPDIR`);
  }
  return { path, remove };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "ociregistry-"));
  } catch (error) {
    throw noSocket(error);
  }
}

/** Throws UsageError. */
async function listenAt(server: Server, path: string): Promise<void> {
  try {
    server.listen({ path, backlog: BACKLOG });
    await once(server, "listening");
  } catch (error) {
    throw noSocket(error);
  }
}

const noSocket = (error: unknown): UsageError =>
  new UsageError(`--workers cannot make a socket in ${tmpdir()} (${messageOf(error)}); set TMPDIR to another folder`);
