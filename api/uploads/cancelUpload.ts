import type { Handler } from "../operation.ts";

/** DELETE /v2/{name}/blobs/uploads/{session}: give up an upload. */
export const cancelUpload: Handler<"cancelUpload"> = async ({ path }, registry) => {
  await (await registry.resumeUpload(path.name, path.session)).cancel();
  return { status: 204, headers: {} };
};
