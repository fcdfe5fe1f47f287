import { RegistryError } from "../registry/errors.ts";
import { quote } from "../registry/reference.ts";
import type { ByteStream, Upload } from "../registry/registry.ts";
import { errorBody } from "./errors.ts";
import { uploadHeaders } from "./upload-headers.ts";

/**
 * Adds the body of a request to an upload. A piece that does not begin where the last one ended is answered with 416,
 * and with what has arrived, so that the client can go on from there; that answer is returned.
 */
export async function appendPiece(name: string, upload: Upload, body: ByteStream, contentRange: string | undefined) {
  try {
    await upload.append(body, startOf(contentRange));
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === "RANGE_INVALID")) throw error;
    const { Location, Range } = uploadHeaders(name, upload);
    return { status: 416, headers: { Location, Range }, json: errorBody(error) } as const;
  }
}

/** `<first>-<last>`, without a unit (distribution-spec, "Pushing a blob in chunks"). */
function startOf(contentRange: string | undefined): number | undefined {
  if (contentRange === undefined) return undefined;
  const [, first] = /^([0-9]+)-[0-9]+$/.exec(contentRange) ?? [];
  if (first === undefined)
    throw new RegistryError("RANGE_INVALID", `Content-Range ${quote(contentRange)} is not <first>-<last>`);
  return Number(first);
}
