import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { hurry } from "../api/stall-limit.ts";
import { UsageError } from "./usage-error.ts";

/** A server that accepts connections. */
export interface Listening {
  readonly port: number;
  /** `http://…` for each address. */
  readonly addresses: readonly string[];
  /** What clients on this machine can use. */
  readonly origin: string;
  /** Accepts no more, lets transfers finish that move, then resolves. */
  close(): Promise<void>;
}

/** How many connections may wait to be accepted: a fleet comes at once. The system may have a lower limit. */
export const BACKLOG = 4096;

/** How long nothing may move on a connection that a server waits for before it ends, in ms. */
const PATIENCE = 10_000;

const LOOPBACK = ["127.0.0.1", "::1"];

/**
 * Listens on `host`, or on both loopback addresses, because `localhost` means either, depending on the client. A machine
 * without IPv6 has one. Throws UsageError when an address cannot be had.
 */
export async function listen(
  server: HttpServer,
  { host, port }: { host: string | undefined; port: number },
): Promise<Listening> {
  const connections = connectionsOf(server);
  const [first = "", ...others] = hostsOf(host);
  await bind(server, first, port);
  const actual = portOf(server);
  const all: Server[] = [server];
  try {
    for (const other of others) {
      const second = createNetServer((socket) => server.emit("connection", socket));
      if (await bindIfPresent(second, other, actual)) all.push(second);
    }
  } catch (error) {
    // The process would live on, half listening.
    for (const each of all) each.close();
    throw error;
  }
  for (const each of all) each.on("error", stayUp);
  const hosts = [first, ...others].slice(0, all.length);
  const named = host === undefined || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return {
    port: actual,
    addresses: hosts.map((name) => urlOf(name, actual)),
    origin: urlOf(named, actual),
    close: async () => {
      const closed = all.map((each) => new Promise<void>((resolve) => each.close(() => resolve())));
      const leave = (): void => {
        connections.closeIdle();
        connections.hurry();
      };
      // Again and again, because a connection is idle only when its last answer has been sent.
      const timer = setInterval(leave, 50);
      leave();
      await Promise.all(closed);
      clearInterval(timer);
    },
  };
}

/** A port that nobody has now, for those that are to listen to the same one. Throws UsageError. */
export async function freePort(host: string | undefined): Promise<number> {
  const server = createNetServer();
  const [first = ""] = hostsOf(host);
  await bind(server, first, 0);
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

const hostsOf = (host: string | undefined): readonly string[] =>
  host === undefined || host === "localhost" ? LOOPBACK : [host];

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === "object" && address) return address.port;
  throw new Error("It does not listen on a port");
}

/** When no descriptor is left, not even the one that is kept to turn clients away, Node says so here, and would end. */
export const stayUp = (): void => {};

const urlOf = (host: string, port: number): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

async function bind(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port, backlog: BACKLOG });
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(reasonOf(error as NodeJS.ErrnoException, host, port));
  }
}

async function bindIfPresent(server: Server, host: string, port: number): Promise<boolean> {
  server.listen({ host, port, backlog: BACKLOG });
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

/** The connections of a server. Node's own count of the idle ones leaves out those that never sent anything. */
function connectionsOf(server: HttpServer): { closeIdle(): void; hurry(): void } {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return {
    closeIdle() {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      server.closeIdleConnections();
    },
    hurry() {
      for (const socket of sockets) hurry(socket, PATIENCE);
    },
  };
}
