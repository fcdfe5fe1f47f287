import { createServer, type ServerOptions } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import type { Registry } from "../registry/registry.ts";
import { accessLog as logTo } from "./access-log.ts";
import type { Started } from "./banner.ts";
import { handOverTo } from "./hand-over-to.ts";
import { listen } from "./listen.ts";
import type { ServeCommand } from "./usage.ts";

/** Answers clients itself. Throws UsageError when the address cannot be had. */
export async function serveAlone(
  registry: Registry,
  command: ServeCommand,
  options: ServerOptions,
): Promise<Pick<Started, "listening" | "transfers">> {
  const { host, port, accessLog, native, transferMemory } = command;
  const transfers = createTransfers({ memory: transferMemory, ...(native ? {} : { native: false }) });
  const log = accessLog ? logTo(process.stdout) : undefined;
  const server = await createServer(registry, {
    ...options,
    transfers,
    handOver: handOverTo(command),
    ...(log ? { onRequest: log.onRequest } : {}),
  });
  const listening = await listen(server, { host, port });
  return { transfers, listening: { ...listening, close: () => listening.close().then(log?.end) } };
}
