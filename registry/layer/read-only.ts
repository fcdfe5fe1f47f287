import { complete } from "../complete.ts";
import type { Registry } from "../registry.ts";

/** A registry for looking only. `why` tells those who try to change it. */
export function readOnly(next: Registry, why: string): Registry {
  const { getBlob, statBlob, getManifest, statManifest, listRepositories, listTags, listReferrers } = next;
  const reads = { getBlob, statBlob, getManifest, statManifest, listRepositories, listTags, listReferrers };
  return complete(reads, why);
}
