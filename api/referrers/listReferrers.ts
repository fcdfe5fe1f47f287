import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { parseDigest } from "../../registry/reference.ts";
import type { Descriptor } from "../../registry/registry.ts";
import type { Handler } from "../operation.ts";
import { linkTo, takePage } from "../pages.ts";

/** GET /v2/{name}/referrers/{digest}: what points at a manifest? */
export const listReferrers: Handler<"listReferrers"> = async ({ path: { name, digest }, query }, registry) => {
  const { n, last, artifactType = [] } = query;
  const artifactTypes = artifactType.filter((type) => type !== "");
  const filtered = artifactTypes.length > 0;
  const options = { ...(filtered ? { artifactTypes } : {}), ...(last === undefined ? {} : { after: last }) };
  const page = await takePage(registry.listReferrers(name, parseDigest(digest), options), n, sizeInList);
  const next = { n, last: page.entries.at(-1)?.digest, artifactType: artifactTypes };
  return {
    status: 200,
    headers: {
      "Content-Type": MEDIA_TYPES.ociIndex,
      ...(filtered ? { "OCI-Filters-Applied": "artifactType" as const } : {}),
      ...linkTo(`/v2/${name}/referrers/${digest}`, page, next),
    },
    json: { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: page.entries },
  };
};

/** Annotations may be long, so it is not the number of referrers that fills a page. One byte is for the comma. */
const sizeInList = (referrer: Descriptor): number => Buffer.byteLength(JSON.stringify(referrer)) + 1;
