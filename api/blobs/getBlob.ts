import { parseDigest } from "../../registry/reference.ts";
import { isNoneMatch, parseRange } from "../conditions.ts";
import { blobHeaders, notModified } from "../content-headers.ts";
import type { Handler } from "../operation.ts";

/** GET /v2/{name}/blobs/{digest}: fetch a blob, or a part of it. */
export const getBlob: Handler<"getBlob"> = async ({ path, headers }, registry) => {
  const digest = parseDigest(path.digest);
  if (isNoneMatch(headers["if-none-match"], digest)) {
    return notModified(blobHeaders(await registry.statBlob(path.name, digest)));
  }
  const range = parseRange(headers.range, headers["if-range"], digest);
  const content = await registry.getBlob(path.name, digest, range ? { range } : {});
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
};
