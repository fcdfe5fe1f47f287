import { parseDigest } from "../../registry/reference.ts";
import type { Handler } from "../operation.ts";

/** DELETE /v2/{name}/blobs/{digest}: delete a blob from a repository. */
export const deleteBlob: Handler<"deleteBlob"> = async ({ path }, registry) => {
  await registry.deleteBlob(path.name, parseDigest(path.digest));
  return { status: 202, headers: {} };
};
