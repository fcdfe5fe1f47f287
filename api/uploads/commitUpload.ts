import { parseDigest } from "../../registry/reference.ts";
import type { Handler } from "../operation.ts";
import { pieceOf, refusePiece } from "../pieces.ts";
import { createdHeaders } from "../upload-headers.ts";

/** PUT /v2/{name}/blobs/uploads/{session}: finish an upload. */
export const commitUpload: Handler<"commitUpload"> = async ({ path, query, headers, body }, registry) => {
  const { name, session } = path;
  const upload = await registry.resumeUpload(name, session);
  try {
    const { digest } = await upload.commit(parseDigest(query.digest), pieceOf(body, headers["content-range"]));
    return { status: 201, headers: createdHeaders(name, digest) };
  } catch (error) {
    return refusePiece(name, upload, error);
  }
};
