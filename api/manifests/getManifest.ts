import { parseReference } from "../../registry/reference.ts";
import { whenHere } from "../../registry/soon.ts";
import { isNoneMatch } from "../conditions.ts";
import { manifestHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** GET /v2/{name}/manifests/{reference}: fetch a manifest. */
export const getManifest: Handler<"getManifest"> = ({ path, headers }, registry) => {
  const reference = parseReference(path.reference);
  return whenHere(registry.getManifest(path.name, reference), ({ descriptor, bytes }) => {
    const described = manifestHeaders(descriptor, reference);
    if (isNoneMatch(headers["if-none-match"], descriptor.digest)) return notModified(described);
    return { status: 200, headers: described, body: { kind: "bytes", bytes } };
  });
};
