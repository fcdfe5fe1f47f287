import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { parseDigest } from "../../registry/reference.ts";
import type { Descriptor } from "../../registry/registry.ts";
import type { Handler } from "../operation.ts";

/** GET /v2/{name}/referrers/{digest}: what points at a manifest? */
export const listReferrers: Handler<"listReferrers"> = async ({ path, query }, registry) => {
  const artifactTypes = query.artifactType?.filter((type) => type !== "");
  const filtered = artifactTypes !== undefined && artifactTypes.length > 0;
  const manifests: Descriptor[] = [];
  const options = filtered ? { artifactTypes } : {};
  for await (const referrer of registry.listReferrers(path.name, parseDigest(path.digest), options)) {
    manifests.push(referrer);
  }
  return {
    status: 200,
    headers: {
      "Content-Type": MEDIA_TYPES.ociIndex,
      ...(filtered ? { "OCI-Filters-Applied": "artifactType" as const } : {}),
    },
    json: { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests },
  };
};
