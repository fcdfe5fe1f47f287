import type { IncomingMessage, ServerResponse } from "node:http";
import { closeBody } from "../registry/content.ts";
import type { ByteStream, FileBody, StreamBody } from "../registry/registry.ts";
import type { Meter } from "./client.ts";
import { type HandOver, handedOver } from "./hand-over.ts";
import { endLingering, isSending } from "./linger.ts";
import { type AnyReply, COMMON_HEADERS } from "./operation.ts";
import type { Transfers } from "./transfers.ts";

/** What all replies of a server are sent with. */
export interface Sending {
  readonly transfers: Transfers;
  /** Counts the bytes of content, and the replies that a proxy sends. */
  readonly meter: Meter & { handedOver: number };
  /** Lets a proxy send files; without it, all is sent from here. */
  readonly handOver?: HandOver | undefined;
}

/**
 * Writes a reply. The only place that decides how bytes leave: at once, as a stream, out of a file, or by a proxy. Throws
 * when the body breaks off; then the connection must be destroyed, so that a part is never taken for the whole.
 */
export function send(
  reply: AnyReply,
  request: IncomingMessage,
  response: ServerResponse,
  sending: Sending,
): Promise<void> | undefined {
  const { status, json, body } = reply;
  if (body?.kind === "bytes" && request.method !== "HEAD") {
    response.writeHead(status, preparedHeaders(reply)).end(body.bytes);
    sending.meter.sent += body.bytes.length;
    return undefined;
  }
  const told = sending.handOver && request.method === "GET" && handedOver(reply, request.headers, sending.handOver);
  if (told && body) {
    response.writeHead(told.status, headersOf(told, undefined)).end();
    sending.meter.handedOver++;
    return closeBody(body);
  }
  const bytes = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  response.writeHead(status, headersOf(reply, bytes));
  if (request.method === "HEAD" || response.destroyed) {
    response.end();
    return body && closeBody(body);
  }
  if (body && body.kind !== "bytes") return sendBody(body, response, sending);
  if (isSending(request)) return endLingering(request, response, bytes);
  response.end(bytes);
  return undefined;
}

/** Manifests and blobs come with the same headers each time they are asked for; the list is made once. */
const prepared = new WeakMap<AnyReply["headers"], string[]>();

function preparedHeaders(reply: AnyReply): string[] {
  const known = prepared.get(reply.headers);
  if (known) return known;
  const made = headersOf(reply, undefined);
  prepared.set(reply.headers, made);
  return made;
}

/** A flat list (name, value, name, value): what Node writes fastest. */
function headersOf({ status, headers }: AnyReply, json: Uint8Array | undefined): string[] {
  const flat: string[] = [];
  for (const name in COMMON_HEADERS) flat.push(name, COMMON_HEADERS[name as keyof typeof COMMON_HEADERS]);
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat.push(name, value);
  }
  if (json) {
    if (!("Content-Type" in headers)) flat.push("Content-Type", "application/json");
    flat.push("Content-Length", String(json.length));
  } else if (!("Content-Length" in headers) && status !== 204 && status !== 304) {
    // Without it Node would send an empty chunked body, which some clients wait for.
    flat.push("Content-Length", "0");
  }
  return flat;
}

async function sendBody(
  body: FileBody | StreamBody,
  response: ServerResponse,
  { transfers, meter }: Sending,
): Promise<void> {
  try {
    if (body.kind === "file") await transfers.send(body, response, meter);
    else await sendStream(body.stream, response, meter);
  } finally {
    await closeBody(body);
  }
}

async function sendStream(stream: ByteStream, response: ServerResponse, meter: Meter): Promise<void> {
  for await (const chunk of stream) {
    if (response.destroyed) throw new Error("The client went before the end");
    if (!response.write(chunk)) await drained(response);
    meter.sent += chunk.length;
  }
  response.end();
}

/** Resolves when there is room again or the client is gone, and leaves no listener behind. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
