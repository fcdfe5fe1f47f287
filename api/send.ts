import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { closeBody } from "../registry/content.ts";
import type { Body, ByteStream } from "../registry/registry.ts";
import { type AnyReply, COMMON_HEADERS } from "./operation.ts";
import { sendFile } from "./transfer.ts";

/**
 * Writes a reply. The only place that decides how bytes leave: at once, as a stream, or out of a file. Throws when the
 * body breaks off; then the connection must be destroyed, so that a part is never taken for the whole.
 */
export async function send(reply: AnyReply, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, json, body } = reply;
  const bytes = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  response.writeHead(status, headersOf(reply, bytes));
  if (request.method === "HEAD" || response.destroyed) {
    if (body) await closeBody(body);
    response.end();
  } else if (body) {
    await sendBody(body, response);
  } else {
    response.end(bytes);
  }
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

async function sendBody(body: Body, response: ServerResponse): Promise<void> {
  try {
    if (body.kind === "bytes") response.end(body.bytes);
    else if (body.kind === "file") await sendFile(body, response);
    else await sendStream(body.stream, response);
  } finally {
    await closeBody(body);
  }
}

async function sendStream(stream: ByteStream, response: ServerResponse): Promise<void> {
  for await (const chunk of stream) {
    if (response.destroyed) throw new Error("The client went before the end");
    if (!response.write(chunk)) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  response.end();
}
