import { closeBody } from "../content.ts";
import type { Digest } from "../reference.ts";
import type { Body, ByteRange, BytesBody, Content, FileBody, Reader } from "../registry.ts";

/** What can be said to another process of content on its way out. */
export interface FoundBlob extends Omit<Content, "body"> {
  readonly place: BlobPlace;
}

/** The bytes that were asked for, the file that has the whole blob, or neither: they can only be had as a stream. */
export type BlobPlace = BytesBody | ({ readonly kind: "file" } & FilePlace) | { readonly kind: "stream" };

/** A blob in a file, which another process can open. */
export interface FilePlace extends Pick<FileBody, "path" | "identity" | "onlyMoved"> {
  /** Where the blob begins in the file, in bytes. */
  readonly offset: number;
}

/** Where the bytes are that getBlob would give. Throws what that throws. */
export async function findBlob(
  registry: Reader,
  repository: string,
  digest: Digest,
  wanted?: ByteRange,
): Promise<FoundBlob> {
  const { descriptor, range, body } = await registry.getBlob(repository, digest, wanted ? { range: wanted } : {});
  try {
    return { descriptor, range, place: placeOf(body, range) };
  } finally {
    await closeBody(body);
  }
}

function placeOf(body: Body, range: Content["range"]): BlobPlace {
  if (body.kind === "bytes") return body;
  if (body.kind === "stream") return { kind: "stream" };
  const { path, identity, onlyMoved, offset } = body;
  return { kind: "file", path, identity, onlyMoved, offset: offset - range.start };
}
