import { appendPiece } from "../append-piece.ts";
import type { Handler } from "../operation.ts";
import { uploadHeaders } from "../upload-headers.ts";

/** PATCH /v2/{name}/blobs/uploads/{session}: send bytes to an upload. */
export const appendUpload: Handler<"appendUpload"> = async ({ path, headers, body }, registry) => {
  const upload = await registry.resumeUpload(path.name, path.session);
  const refused = await appendPiece(path.name, upload, body, headers["content-range"]);
  return refused ?? { status: 202, headers: uploadHeaders(path.name, upload) };
};
