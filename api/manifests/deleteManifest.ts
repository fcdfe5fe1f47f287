import { parseDigest, parseTag } from "../../registry/reference.ts";
import type { Handler } from "../operation.ts";

/** DELETE /v2/{name}/manifests/{reference}: delete a tag, or a manifest with all its tags. */
export const deleteManifest: Handler<"deleteManifest"> = async ({ path: { name, reference } }, registry) => {
  if (reference.includes(":")) await registry.deleteManifest(name, parseDigest(reference));
  else await registry.deleteTag(name, parseTag(reference));
  return { status: 202, headers: {} };
};
