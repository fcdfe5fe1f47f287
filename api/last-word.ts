import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { RegistryError } from "../registry/errors.ts";
import { errorBody } from "./errors.ts";

/** How long a client has to take a refusal, in ms, before the connection is cut. */
const LINGER = 1_000;

/** Hears of each response of a server that `refuseTheRest` watches. */
export type Note = (response: ServerResponse) => void;

/** Hears of what was refused without a response, and with which status. */
export type OnRefusal = (method: string, status: number) => void;

/**
 * Answers, in OCI JSON, what Node has no response object for: what is no HTTP request, and CONNECT. The connection ends
 * with that. What was asked for before on the same connection is sent to its end first, and never has the refusal in it.
 */
export function refuseTheRest(server: Server, onRefusal: OnRefusal): Note {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  const refuse = (socket: Duplex, refusal: Refusal, method: string): void => {
    const last = latest.get(socket);
    // A request that broke off is counted where it is answered.
    if (write(socket, refusal) && !isRunning(last)) onRefusal(method, Number.parseInt(refusal.status, 10));
  };
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // The parser complains of every further piece.
    if (refused.has(socket)) return;
    refused.add(socket);
    if (error.code === "ECONNRESET") socket.destroy();
    else whenFree(socket, latest.get(socket), () => refuse(socket, refusalOf(error), ""));
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    // Node has let go of the connection, and with it of what is being sent.
    if (isRunning(latest.get(socket))) socket.destroy();
    else refuse(socket, TUNNEL, "CONNECT");
  });
  return (response) => void latest.set(response.req.socket, response);
}

/** An answer that has been written at once still has its connection, and ends it if that is to be its last one. */
const isRunning = (response: ServerResponse | undefined): boolean =>
  response !== undefined && !(response.writableFinished && response.socket === null);

/** Calls back when nothing is being sent on the connection; never, when what is being sent does not come to its end. */
function whenFree(socket: Duplex, last: ServerResponse | undefined, then: () => void): void {
  // A request whose body breaks off waits in vain for the rest; its own answer is this one, when it is its turn.
  const waitsForBody = last !== undefined && !last.req.complete && !last.headersSent;
  if (waitsForBody && !last.socket) socket.destroy();
  else if (last && isRunning(last) && !waitsForBody) last.once("finish", then);
  else then();
}

interface Refusal {
  readonly status: string;
  readonly headers: string;
  readonly detail: string;
}

/** False when the connection is ending already, with what was sent before. */
function write(socket: Duplex, { status, headers, detail }: Refusal): boolean {
  if (!socket.writable) return false;
  // A connection that Node has let go of has nobody else to hear of its errors.
  socket.on("error", () => socket.destroy());
  const body = JSON.stringify(errorBody(new RegistryError("UNSUPPORTED", detail)));
  socket.end(
    `HTTP/1.1 ${status}\r\n${headers}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
  // Not at once: unread bytes of the client would turn the end into a reset, and the answer would be lost.
  setTimeout(() => socket.destroy(), LINGER).unref();
  return true;
}

function refusalOf({ code = "" }: NodeJS.ErrnoException): Refusal {
  const [status, detail] = GARBAGE.get(code) ?? ["400 Bad Request", "this is not a valid HTTP request"];
  return { status, headers: "", detail };
}

const GARBAGE: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["HPE_HEADER_OVERFLOW", ["431 Request Header Fields Too Large", "the headers are larger than 16 KiB"]],
  ["ERR_HTTP_REQUEST_TIMEOUT", ["408 Request Timeout", "the headers took longer than 10 seconds"]],
]);

const TUNNEL: Refusal = {
  status: "405 Method Not Allowed",
  headers: "Allow: GET, HEAD\r\n",
  detail: "this is a registry and no proxy; it opens no tunnels",
};
