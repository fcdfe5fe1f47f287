import { parseDigest } from "../../registry/reference.ts";
import { whenHere } from "../../registry/soon.ts";
import { isNoneMatch, parseRange } from "../conditions.ts";
import { blobHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** GET /v2/{name}/blobs/{digest}: fetch a blob, or a part of it. */
export const getBlob: Handler<"getBlob"> = ({ path, headers }, registry) => {
  const digest = parseDigest(path.digest);
  if (isNoneMatch(headers["if-none-match"], digest)) {
    return whenHere(registry.statBlob(path.name, digest), (descriptor) => notModified(blobHeaders(descriptor)));
  }
  const range = parseRange(headers.range, headers["if-range"], digest);
  return whenHere(registry.getBlob(path.name, digest, range ? { range } : {}), (content) => {
    const described = blobHeaders(content.descriptor);
    if (!range) return { status: 200, headers: described, body: content.body };
    const { start, end } = content.range;
    return {
      status: 206,
      headers: {
        ...described,
        "Content-Length": String(end - start),
        "Content-Range": `bytes ${start}-${end - 1}/${content.descriptor.size}`,
      },
      body: content.body,
    };
  });
};
