import { parseDigest } from "../../registry/reference.ts";
import { isNoneMatch } from "../conditions.ts";
import { blobHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** HEAD /v2/{name}/blobs/{digest}: is this blob here, and how large is it? */
export const headBlob: Handler<"headBlob"> = async ({ path, headers }, registry) => {
  const descriptor = await registry.statBlob(path.name, parseDigest(path.digest));
  const described = blobHeaders(descriptor);
  if (isNoneMatch(headers["if-none-match"], descriptor.digest)) return notModified(described);
  return { status: 200, headers: described };
};
