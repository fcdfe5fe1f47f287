import type { IncomingMessage, ServerResponse } from "node:http";

/** Writes one line of JSON for a request. */
export function logRequest(request: IncomingMessage, response: ServerResponse, started: number): void {
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

/** A failure with all that is known of it, for whoever mends it. */
export const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
