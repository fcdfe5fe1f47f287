import type { Handler } from "../operation.ts";
import { uploadHeaders } from "../upload-headers.ts";

/** GET /v2/{name}/blobs/uploads/{session}: how far is an upload? */
export const statUpload: Handler<"statUpload"> = async ({ path: { name, session } }, registry) => ({
  status: 204,
  headers: uploadHeaders(name, await registry.resumeUpload(name, session)),
});
