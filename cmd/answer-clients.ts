import { createServer, type ServerOptions } from "../api/server.ts";
import { createTransfers } from "../api/transfers.ts";
import type { Registry } from "../registry/registry.ts";
import type { AccessLog } from "./access-log.ts";
import type { Started } from "./banner.ts";
import { complain } from "./complain.ts";
import { describe } from "./describe.ts";
import { handOverTo } from "./hand-over-to.ts";
import { listen } from "./listen.ts";
import type { ServeCommand } from "./usage.ts";

/** What of the command line is about answering clients. */
export type AnswerOptions = Pick<
  ServeCommand,
  "host" | "port" | "native" | "stallLimit" | "transferMemory" | "folder" | "data" | "proxySendsBlobs"
>;

/**
 * Answers clients out of a registry, and writes what they ask for into `log`, all of it before the end. Throws UsageError
 * when the address cannot be had.
 */
export async function answerClients(
  registry: Registry,
  options: AnswerOptions,
  { log, ...others }: ServerOptions & { readonly log: AccessLog | undefined },
): Promise<Pick<Started, "listening" | "transfers">> {
  const { host, port, native, stallLimit, transferMemory } = options;
  const transfers = createTransfers({ memory: transferMemory, ...(native ? {} : { native: false }) });
  const server = await createServer(registry, {
    ...others,
    transfers,
    stallLimit,
    handOver: handOverTo(options),
    onError: tellOfFailure,
    ...(log ? { onRequest: log.onRequest } : {}),
  });
  const listening = await listen(server, { host, port });
  return { transfers, listening: { ...listening, close: () => listening.close().then(log?.end) } };
}

/** A request that failed, for whoever mends the server. */
export const tellOfFailure: NonNullable<ServerOptions["onError"]> = (error, { method, url }) =>
  complain(`${method} ${url} failed: ${describe(error)}`);
