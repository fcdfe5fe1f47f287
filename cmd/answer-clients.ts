import { createServer, type ServerOptions } from "../api/server.ts";
import { createTransfers, type Transfers } from "../api/transfers.ts";
import type { Registry } from "../registry/registry.ts";
import type { AccessLog } from "./access-log.ts";
import { complain } from "./complain.ts";
import { describe } from "./describe.ts";
import { handOverTo } from "./hand-over-to.ts";
import { type Listening, listen } from "./listen.ts";
import type { ServeCommand } from "./usage.ts";

/** What of the command line is about answering clients. */
export type AnswerOptions = Pick<
  ServeCommand,
  "host" | "port" | "native" | "stallLimit" | "transferMemory" | "folder" | "data" | "proxySendsBlobs"
>;

/** What answers clients. */
export interface Serving {
  readonly listening: Listening;
  /** How it sends them blobs. */
  readonly transfers: Pick<Transfers, "way">;
}

/**
 * Answers clients out of a registry, and writes what they ask for into `log`, all of it before the end. Throws UsageError
 * when the address cannot be had.
 */
export async function answerClients(
  registry: Registry,
  options: AnswerOptions,
  { log, ...others }: ServerOptions & { readonly log: AccessLog | undefined },
): Promise<Serving> {
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
