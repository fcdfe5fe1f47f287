import type { Handler } from "../operation.ts";
import { pieceOf, refusePiece } from "../pieces.ts";
import { uploadHeaders } from "../upload-headers.ts";

/** PATCH /v2/{name}/blobs/uploads/{session}: send bytes to an upload. */
export const appendUpload: Handler<"appendUpload"> = async ({ path: { name, session }, headers, body }, registry) => {
  const upload = await registry.resumeUpload(name, session);
  try {
    await upload.append(pieceOf(body, headers["content-range"]));
  } catch (error) {
    return refusePiece(name, upload, error);
  }
  return { status: 202, headers: uploadHeaders(name, upload) };
};
