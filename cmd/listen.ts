import { once } from "node:events";
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { UsageError } from "./usage.ts";

/** A server that accepts connections. */
export interface Listening {
  readonly port: number;
  /** `http://…` for each address. */
  readonly addresses: readonly string[];
  /** What clients on this machine can use. */
  readonly origin: string;
  /** Accepts no more, lets transfers finish, then resolves. */
  close(): Promise<void>;
}

const LOOPBACK = ["127.0.0.1", "::1"];

/**
 * Listens on `host`, or on both loopback addresses, because `localhost` means either, depending on the client. A machine
 * without IPv6 has one. Throws UsageError when an address cannot be had.
 */
export async function listen(
  server: HttpServer,
  { host, port }: { host: string | undefined; port: number },
): Promise<Listening> {
  const connections = trackConnections(server);
  const [first = "", ...others] = host === undefined || host === "localhost" ? LOOPBACK : [host];
  await bind(server, first, port);
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  const all: Server[] = [server];
  for (const other of others) {
    const second = createNetServer((socket) => server.emit("connection", socket));
    if (await bindIfPresent(second, other, actual)) all.push(second);
  }
  const hosts = [first, ...others].slice(0, all.length);
  const named = host === undefined || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return {
    port: actual,
    addresses: hosts.map((name) => urlOf(name, actual)),
    origin: urlOf(named, actual),
    close: async () => {
      const closed = all.map((each) => new Promise<void>((resolve) => each.close(() => resolve())));
      connections.closeIdle();
      await Promise.all(closed);
    },
  };
}

const urlOf = (host: string, port: number): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

async function bind(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(reasonOf(error as NodeJS.ErrnoException, host, port));
  }
}

async function bindIfPresent(server: Server, host: string, port: number): Promise<boolean> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return false;
    throw new UsageError(reasonOf(error as NodeJS.ErrnoException, host, port));
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons = new Map([
    ["EADDRINUSE", `port ${port} is in use; choose another with --port`],
    ["EACCES", `no permission to listen on port ${port}; choose one above 1023 with --port`],
    ["EADDRNOTAVAIL", `this machine does not have the address ${host}; choose another with --host`],
    ["ENOTFOUND", `there is no host ${host}; choose another with --host`],
    ["EAI_AGAIN", `there is no host ${host}; choose another with --host`],
  ]);
  return reasons.get(code ?? "") ?? `cannot listen on ${host}: ${message}`;
}

/** Which connections have a request that is not answered yet. Node counts one that never sent anything as busy. */
function trackConnections(server: HttpServer): { closeIdle(): void } {
  const pending = new Map<Socket, number>();
  let closing = false;
  server.on("connection", (socket: Socket) => {
    pending.set(socket, 0);
    socket.once("close", () => pending.delete(socket));
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    pending.set(socket, (pending.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const rest = (pending.get(socket) ?? 1) - 1;
      if (pending.has(socket)) pending.set(socket, rest);
      if (closing && rest === 0) socket.destroySoon();
    });
  });
  return {
    closeIdle() {
      closing = true;
      for (const [socket, requests] of pending) if (requests === 0) socket.destroy();
    },
  };
}
