import type { Server } from "node:http";

/** Says where a server listens, in the words of ociregistry, for whoever started the process. */
export function printAddress(server: Server): void {
  const address = server.address();
  if (typeof address === "object" && address) process.stdout.write(`listening at http://localhost:${address.port}\n`);
}
