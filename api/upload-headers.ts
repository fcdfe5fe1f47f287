import type { Digest } from "../registry/reference.ts";
import type { Upload } from "../registry/registry.ts";

/** Where an upload goes on and what has arrived. docker takes the number after `0-` for the last byte (no unit, no total). */
export const uploadHeaders = (name: string, { id, size }: Upload) => ({
  Location: `/v2/${name}/blobs/uploads/${id}`,
  Range: `0-${Math.max(0, size - 1)}`,
  "Docker-Upload-UUID": id,
});

/** Where a finished blob can be pulled from. */
export const createdHeaders = (name: string, digest: Digest) => ({
  Location: `/v2/${name}/blobs/${digest}`,
  "Docker-Content-Digest": digest,
});
