import { Agent, request as createRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { endLingering, isSending } from "./linger.ts";

/** Who the forwarded request is from, in a header that only the process it goes to believes. */
const CLIENT = "ociregistry-client";

/** For the server that requests are forwarded to: who they are from. Undefined: whoever forwards asks for itself. */
export function forwardedFor({ headers }: IncomingMessage): string | undefined {
  const client = headers[CLIENT];
  return client === undefined ? undefined : String(client);
}

export interface ForwardHooks {
  /** The answer begins to come. */
  readonly onAnswer: () => void;
  /** Nobody is there: to be answered in another way. */
  readonly onUnreachable: (error: Error) => void;
}

export type Forward = (request: IncomingMessage, response: ServerResponse, hooks: ForwardHooks) => void;

/**
 * Passes requests on to the process that listens on a socket of this machine, and its answers back, each as it is. Either
 * end breaks off when the other one does, so a part is never taken for the whole.
 */
export function forwardTo(socketPath: string): Forward {
  const agent = new Agent({ keepAlive: true });
  return (request, response, { onAnswer, onUnreachable }) => {
    const { method, url: path, socket } = request;
    const headers = [...endToEnd(request.rawHeaders), CLIENT, socket.remoteAddress ?? ""];
    // A client of HTTP/1.0 need not send one, and what is passed on is HTTP/1.1.
    if (request.headers.host === undefined) headers.push("Host", "localhost");
    // Without a length Node would send an empty chunked body, which is another request.
    if (!hasBody(request) && method !== "GET" && method !== "HEAD") headers.push("Content-Length", "0");
    const passed = createRequest({ socketPath, agent, method, path, headers, setHost: false });
    passed.on("response", (answer) => {
      onAnswer();
      response.sendDate = false;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", endToEnd(answer.rawHeaders));
      // An answer that breaks off emits no end.
      answer.on("error", () => response.destroy());
      answer.once("end", () => {
        if (!isSending(request)) return response.end();
        request.unpipe(passed);
        passed.destroy();
        return void endLingering(request, response);
      });
      answer.pipe(response, { end: false });
    });
    passed.on("error", (error) => {
      // Nobody takes the rest, and who sends it may have the answer already.
      request.unpipe(passed).resume();
      if (response.headersSent) {
        if (!response.writableEnded) response.destroy();
      } else if (!response.destroyed) onUnreachable(error);
    });
    response.once("close", () => {
      if (!response.writableFinished) passed.destroy();
    });
    request.pipe(passed);
  };
}

/**
 * What is about one connection only (of RFC 9110, section 7.6.1, what clients send), and the question that has been answered
 * already. What else `Connection` names goes on: nobody behind reads it, and without its length a body would be a request.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  CLIENT,
]);

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = [rawHeaders[index], rawHeaders[index + 1]];
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
