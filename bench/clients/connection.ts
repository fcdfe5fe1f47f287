import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { headerIn } from "./header.ts";

/** An answer whose body nobody looks at. */
export interface BriefAnswer {
  readonly status: number;
  /** Of a header, by its name in small letters; undefined when it was not sent. */
  header(name: string): string | undefined;
}

/** One keep-alive connection for one request after the other: far less work than node:http for client and machine. */
export interface Connection {
  /** Sends the parts as one request and waits for the answer. `hasBody: false` for HEAD. */
  ask(parts: Iterable<Uint8Array>, options?: { readonly hasBody?: boolean }): Promise<BriefAnswer>;
  end(): void;
}

/** So much is given to the system before the client waits: enough that the server never waits for the client. */
const AHEAD = 4 * 1024 * 1024;

export async function openConnection(origin: string): Promise<Connection> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, "connect");
  const answers = answersOf(socket);
  return {
    async ask(parts, { hasBody = true } = {}) {
      const answer = answers.next(hasBody);
      // A server may answer before it has read everything.
      answer.catch(() => {});
      socket.cork();
      for (const part of parts) {
        socket.write(part);
        if (socket.writableLength < AHEAD) continue;
        socket.uncork();
        await once(socket, "drain");
      }
      socket.uncork();
      return answer;
    },
    end: () => void socket.destroy(),
  };
}

function answersOf(socket: Socket): { next(hasBody: boolean): Promise<BriefAnswer> } {
  let received = Buffer.alloc(0);
  let wanted: { hasBody: boolean; resolve: (answer: BriefAnswer) => void; reject: (error: Error) => void } | undefined;
  socket.on("data", (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const end = received.indexOf("\r\n\r\n");
    if (!wanted || end < 0) return;
    const head = received.toString("latin1", 0, end + 2);
    const header = (name: string): string | undefined => headerIn(head, name);
    const length = end + 4 + (wanted.hasBody ? Number(header("content-length") ?? 0) : 0);
    if (header("transfer-encoding") !== undefined) socket.destroy(new Error("This client reads no chunked answers"));
    if (received.length < length) return;
    received = received.subarray(length);
    const { resolve } = wanted;
    wanted = undefined;
    resolve({ status: Number(head.slice(9, 12)), header });
  });
  const fail = (error?: Error): void => wanted?.reject(error ?? new Error("The server closed the connection"));
  socket.on("error", fail);
  socket.on("close", () => fail());
  return {
    next: (hasBody) =>
      new Promise((resolve, reject) => {
        wanted = { hasBody, resolve, reject };
      }),
  };
}
