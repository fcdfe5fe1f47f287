import { parseReference } from "../../registry/reference.ts";
import { isNoneMatch } from "../conditions.ts";
import { manifestHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** HEAD /v2/{name}/manifests/{reference}: what does a tag mean now? */
export const headManifest: Handler<"headManifest"> = async ({ path, headers }, registry) => {
  const reference = parseReference(path.reference);
  const descriptor = await registry.statManifest(path.name, reference);
  const described = manifestHeaders(descriptor, reference);
  if (isNoneMatch(headers["if-none-match"], descriptor.digest)) return notModified(described);
  return { status: 200, headers: described };
};
