import { once } from "node:events";
import { createServer } from "node:net";

const LOOPBACK = ["127.0.0.1", "::1"];

/** Throws unless a server can listen on this port, as README.md's commands will. */
export async function assertFree(port: number): Promise<void> {
  for (const host of LOOPBACK) {
    if (await isTaken(host, port)) {
      const what = `port ${port} is in use, and a command in README.md needs it`;
      throw new Error(`${what}: end what listens on ${host}, and run this test again`);
    }
  }
}

async function isTaken(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    // A machine without IPv6 has no such address, and the server does without it.
    return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  }
  server.close();
  await once(server, "close");
  return false;
}
