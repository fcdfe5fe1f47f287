// Written by `npm run generate` from ociregistry.yaml. Do not edit: change that file and run it again.

/** Every operation: its method, path, tag and the statuses that it may answer with. */
export const OPERATIONS = {
  "redirectToBase": {
    "method": "GET",
    "path": "/v2",
    "tag": "base",
    "statuses": [
      301,
      405
    ]
  },
  "getBase": {
    "method": "GET",
    "path": "/v2/",
    "tag": "base",
    "statuses": [
      200,
      405
    ]
  },
  "listRepositories": {
    "method": "GET",
    "path": "/v2/_catalog",
    "tag": "lists",
    "statuses": [
      200,
      400,
      405,
      500,
      503
    ]
  },
  "listTags": {
    "method": "GET",
    "path": "/v2/{name}/tags/list",
    "tag": "lists",
    "statuses": [
      200,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "getManifest": {
    "method": "GET",
    "path": "/v2/{name}/manifests/{reference}",
    "tag": "manifests",
    "statuses": [
      200,
      304,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "headManifest": {
    "method": "HEAD",
    "path": "/v2/{name}/manifests/{reference}",
    "tag": "manifests",
    "statuses": [
      200,
      304,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "putManifest": {
    "method": "PUT",
    "path": "/v2/{name}/manifests/{reference}",
    "tag": "manifests",
    "statuses": [
      201,
      400,
      403,
      405,
      413,
      500,
      503,
      507
    ]
  },
  "deleteManifest": {
    "method": "DELETE",
    "path": "/v2/{name}/manifests/{reference}",
    "tag": "manifests",
    "statuses": [
      202,
      400,
      403,
      404,
      405,
      500,
      503
    ]
  },
  "getBlob": {
    "method": "GET",
    "path": "/v2/{name}/blobs/{digest}",
    "tag": "blobs",
    "statuses": [
      200,
      206,
      304,
      400,
      404,
      405,
      416,
      500,
      503
    ]
  },
  "headBlob": {
    "method": "HEAD",
    "path": "/v2/{name}/blobs/{digest}",
    "tag": "blobs",
    "statuses": [
      200,
      304,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "deleteBlob": {
    "method": "DELETE",
    "path": "/v2/{name}/blobs/{digest}",
    "tag": "blobs",
    "statuses": [
      202,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "startUpload": {
    "method": "POST",
    "path": "/v2/{name}/blobs/uploads/",
    "tag": "uploads",
    "statuses": [
      201,
      202,
      400,
      405,
      413,
      429,
      500,
      503,
      507
    ]
  },
  "statUpload": {
    "method": "GET",
    "path": "/v2/{name}/blobs/uploads/{session}",
    "tag": "uploads",
    "statuses": [
      204,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "commitUpload": {
    "method": "PUT",
    "path": "/v2/{name}/blobs/uploads/{session}",
    "tag": "uploads",
    "statuses": [
      201,
      400,
      404,
      405,
      413,
      416,
      500,
      503,
      507
    ]
  },
  "appendUpload": {
    "method": "PATCH",
    "path": "/v2/{name}/blobs/uploads/{session}",
    "tag": "uploads",
    "statuses": [
      202,
      400,
      404,
      405,
      413,
      416,
      500,
      503,
      507
    ]
  },
  "cancelUpload": {
    "method": "DELETE",
    "path": "/v2/{name}/blobs/uploads/{session}",
    "tag": "uploads",
    "statuses": [
      204,
      400,
      404,
      405,
      500,
      503
    ]
  },
  "listReferrers": {
    "method": "GET",
    "path": "/v2/{name}/referrers/{digest}",
    "tag": "referrers",
    "statuses": [
      200,
      400,
      405,
      500,
      503
    ]
  }
} as const;
