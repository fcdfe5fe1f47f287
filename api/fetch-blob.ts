import { once } from "node:events";
import { request as createRequest, type IncomingMessage } from "node:http";
import { readAll } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Digest } from "../registry/reference.ts";
import type { Content, StreamBody } from "../registry/registry.ts";
import type { ErrorBody } from "./errors.ts";

/**
 * The bytes of a blob, or of a range of it, from the server that listens on a socket of this machine; the stream throws
 * when they break off. Throws what that server refuses with.
 */
export async function fetchBlob(
  socketPath: string,
  repository: string,
  digest: Digest,
  range?: Content["range"],
): Promise<StreamBody> {
  const headers = { Host: "localhost", ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : {}) };
  const request = createRequest({ socketPath, path: `/v2/${repository}/blobs/${digest}`, headers, agent: false });
  request.end();
  const [response] = (await once(request, "response").catch(unreachable)) as [IncomingMessage];
  // Whoever reads the stream hears of it there, and nobody may be reading yet.
  for (const source of [request, response]) source.on("error", () => {});
  if (response.statusCode !== (range ? 206 : 200)) throw await refusalIn(response);
  return { kind: "stream", stream: response, close: async () => void request.destroy() };
}

function unreachable(cause: unknown): never {
  throw new RegistryError("UNAVAILABLE", "the process that has the bytes cannot be reached", { cause });
}

async function refusalIn(response: IncomingMessage): Promise<RegistryError> {
  const { errors }: ErrorBody = JSON.parse((await readAll(response)).toString());
  const [{ code, detail } = { code: "UNKNOWN" as const, detail: undefined }] = errors;
  return new RegistryError(code, typeof detail === "string" ? detail : undefined);
}
