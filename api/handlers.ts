import { getBase } from "./base/getBase.ts";
import { redirectToBase } from "./base/redirectToBase.ts";
import { deleteBlob } from "./blobs/deleteBlob.ts";
import { getBlob } from "./blobs/getBlob.ts";
import { headBlob } from "./blobs/headBlob.ts";
import { listRepositories } from "./lists/listRepositories.ts";
import { listTags } from "./lists/listTags.ts";
import { deleteManifest } from "./manifests/deleteManifest.ts";
import { getManifest } from "./manifests/getManifest.ts";
import { headManifest } from "./manifests/headManifest.ts";
import { putManifest } from "./manifests/putManifest.ts";
import type { Handlers } from "./operation.ts";
import { listReferrers } from "./referrers/listReferrers.ts";
import { appendUpload } from "./uploads/appendUpload.ts";
import { cancelUpload } from "./uploads/cancelUpload.ts";
import { commitUpload } from "./uploads/commitUpload.ts";
import { startUpload } from "./uploads/startUpload.ts";
import { statUpload } from "./uploads/statUpload.ts";

/** One handler for each operation of ociregistry.yaml. An operation without one does not compile. */
export const handlers = {
  redirectToBase,
  getBase,
  listRepositories,
  listTags,
  getManifest,
  headManifest,
  putManifest,
  deleteManifest,
  getBlob,
  headBlob,
  deleteBlob,
  startUpload,
  statUpload,
  appendUpload,
  commitUpload,
  cancelUpload,
  listReferrers,
} as const satisfies Handlers;
