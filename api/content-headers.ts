import { MEDIA_TYPES } from "../registry/media-types.ts";
import type { Reference } from "../registry/reference.ts";
import { refersByDigest } from "../registry/reference.ts";
import type { Descriptor } from "../registry/registry.ts";
import { etagOf } from "./conditions.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

/** What GET and HEAD say of a blob alike. */
export const blobHeaders = ({ digest, size }: Descriptor) =>
  ({
    "Content-Type": MEDIA_TYPES.blob,
    "Content-Length": String(size),
    "Docker-Content-Digest": digest,
    ETag: etagOf(digest),
    "Cache-Control": FOR_EVER,
    "Accept-Ranges": "bytes",
  }) as const;

/** What GET and HEAD say of a manifest alike. What was asked for by tag may change, so caches have to ask again. */
export const manifestHeaders = ({ mediaType, digest, size }: Descriptor, reference: Reference) =>
  ({
    "Content-Type": mediaType,
    "Content-Length": String(size),
    "Docker-Content-Digest": digest,
    ETag: etagOf(digest),
    "Cache-Control": refersByDigest(reference) ? FOR_EVER : "no-cache",
  }) as const;

/** 304: the client has these bytes. */
export const notModified = (headers: {
  readonly "Docker-Content-Digest": string;
  readonly ETag: string;
  readonly "Cache-Control": typeof FOR_EVER | "no-cache";
}) =>
  ({
    status: 304,
    headers: {
      "Docker-Content-Digest": headers["Docker-Content-Digest"],
      ETag: headers.ETag,
      "Cache-Control": headers["Cache-Control"],
    },
  }) as const;
