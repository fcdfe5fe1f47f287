import { parseReference } from "../../registry/reference.ts";
import { whenHere } from "../../registry/soon.ts";
import { isNoneMatch } from "../conditions.ts";
import { manifestHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** HEAD /v2/{name}/manifests/{reference}: what does a tag mean now? */
export const headManifest: Handler<"headManifest"> = ({ path, headers }, registry) => {
  const reference = parseReference(path.reference);
  return whenHere(registry.statManifest(path.name, reference), (descriptor) => {
    const described = manifestHeaders(descriptor, reference);
    if (isNoneMatch(headers["if-none-match"], descriptor.digest)) return notModified(described);
    return { status: 200, headers: described };
  });
};
