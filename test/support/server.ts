import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { createServer, type ServerOptions } from "../../api/server.ts";
import { readAll } from "../../registry/content.ts";
import type { Registry } from "../../registry/registry.ts";

/** A server of a registry on a free port of this machine. */
export interface TestServer {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

export async function startServer(registry: Registry, options: ServerOptions = {}): Promise<TestServer> {
  const server = await createServer(registry, options);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    server,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request with exactly this path: `fetch` would clean it. Rejects when the body breaks off. */
export async function ask(
  origin: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: Uint8Array | string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const request = httpRequest({ hostname, port, method, path, headers, agent: false });
  request.end(body);
  const [response] = await once(request, "response");
  // Who has the whole answer need not send the rest of the request.
  request.on("error", () => {});
  const bytes = await readAll(response);
  request.destroy();
  return { status: response.statusCode, headers: response.headers, body: bytes };
}

/** The first error of a refusal. */
export function errorOf({ headers, body }: Answer): { code: string; message: string; detail?: string } {
  if (headers["content-type"]?.split(";")[0] !== "application/json") {
    throw new Error(`Not JSON but ${headers["content-type"]}: ${body.toString().slice(0, 200)}`);
  }
  return JSON.parse(body.toString()).errors[0];
}
