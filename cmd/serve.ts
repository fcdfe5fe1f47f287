import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "../api/server.ts";
import { folder as folderStore } from "../registry/store/folder.ts";
import type { LiveFolder } from "../registry/store/live-folder.ts";
import { banner, changeLine, logLine } from "./banner.ts";
import { type Listening, listen } from "./listen.ts";
import { openNamedFolder } from "./open-named-folder.ts";
import type { ServeCommand } from "./usage.ts";

/** Serves a folder until SIGTERM or SIGINT. Throws UsageError when the folder or the address cannot be had. */
export async function serve({ folder, cache, host, port, accessLog }: ServeCommand): Promise<void> {
  const live = openNamedFolder(
    { folder, cache },
    {
      onChange: (catalogue) => process.stdout.write(changeLine({ folder, catalogue })),
      onError: (error) => complain(`cannot read ${folder}: ${describe(error)}`),
    },
  );
  const registry = folderStore(live, {
    onDamage: (path, digest) => complain(`the bytes of ${path} do not match ${digest}; it is not served any more`),
  });
  const server = await createServer(registry, {
    onError: (error, { method, url }) => complain(`${method} ${url} failed: ${describe(error)}`),
    ...(accessLog ? { onRequest: logRequest } : {}),
  });
  const listening = await listen(server, { host, port }).catch((error) => {
    live.close();
    throw error;
  });
  const show = process.stdout.isTTY ? banner : logLine;
  process.stdout.write(show({ folder, catalogue: live.current, listening }));
  stopOnSignal(listening, live);
}

function stopOnSignal(listening: Listening, live: LiveFolder): void {
  let stopping = false;
  const stop = (): void => {
    // A second signal is from somebody who does not want to wait.
    if (stopping) process.exit(1);
    stopping = true;
    live.close();
    void listening.close().then(() => process.exit(0));
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

function complain(message: string): void {
  process.stderr.write(`ociregistry: ${message}\n`);
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
