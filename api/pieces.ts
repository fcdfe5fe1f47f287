import { RegistryError } from "../registry/errors.ts";
import { quote } from "../registry/reference.ts";
import type { ByteStream, Piece, Upload } from "../registry/registry.ts";
import { errorBody } from "./errors.ts";
import { uploadHeaders } from "./upload-headers.ts";

/**
 * The body of a request as a piece of an upload. `Content-Range` is `<first>-<last>`, without a unit (distribution-spec,
 * "Pushing a blob in chunks"). Throws RANGE_INVALID.
 */
export function pieceOf(body: ByteStream, contentRange: string | undefined): Piece {
  if (contentRange === undefined) return { body, transferable: true };
  const [, first, last] = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(contentRange) ?? [];
  if (first === undefined || Number(last) < Number(first)) {
    throw new RegistryError("RANGE_INVALID", `Content-Range ${quote(contentRange)} is not <first>-<last>`);
  }
  return { body, start: Number(first), end: Number(last) + 1, transferable: true };
}

/** The answer to a piece that does not fit: 416, and what has arrived, so that the client can go on from there. */
export function refusePiece(name: string, upload: Upload, error: unknown) {
  if (!(error instanceof RegistryError && error.code === "RANGE_INVALID")) throw error;
  const { Location, Range } = uploadHeaders(name, upload);
  return { status: 416, headers: { Location, Range }, json: errorBody(error) } as const;
}
