import type { IncomingMessage, ServerResponse } from "node:http";

/** How long a client may go on sending once it has its answer, in ms. */
const LINGER = 5_000;

/** Whether a client is still sending what nobody has asked for. */
export const isSending = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0);

/**
 * Sends the end of an answer, and closes only when the client has stopped sending: closing on unread bytes resets the
 * connection, and takes the answer away from whoever reads it only afterwards.
 */
export async function endLingering(request: IncomingMessage, response: ServerResponse, end?: Uint8Array) {
  if (end) response.write(end);
  else response.flushHeaders();
  await stopped(request, response);
  response.end();
}

function stopped(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER).unref();
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", stop).once("error", stop);
    response.once("close", stop);
    request.resume();
  });
}
