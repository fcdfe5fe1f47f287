import { parseDigest } from "../../registry/reference.ts";
import { appendPiece } from "../append-piece.ts";
import type { Handler } from "../operation.ts";
import { createdHeaders } from "../upload-headers.ts";

/** PUT /v2/{name}/blobs/uploads/{session}: finish an upload. */
export const commitUpload: Handler<"commitUpload"> = async ({ path, query, headers, body }, registry) => {
  const upload = await registry.resumeUpload(path.name, path.session);
  const refused = await appendPiece(path.name, upload, body, headers["content-range"]);
  if (refused) return refused;
  const { digest } = await upload.commit(parseDigest(query.digest));
  return { status: 201, headers: createdHeaders(path.name, digest) };
};
