import { MEDIA_TYPES } from "../registry/media-types.ts";
import type { Digest, Reference } from "../registry/reference.ts";
import { refersByDigest } from "../registry/reference.ts";
import type { Descriptor } from "../registry/registry.ts";
import { etagOf } from "./conditions.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

/** What GET and HEAD say of a blob alike. Of those that were asked for lately it is the same object each time. */
export function blobHeaders(descriptor: Descriptor): BlobHeaders {
  const known = ofBlobs.get(descriptor.digest);
  if (known?.["Content-Length"] === String(descriptor.size)) return known;
  const headers = describeBlob(descriptor);
  if (ofBlobs.size >= KNOWN_LIMIT) ofBlobs.clear();
  ofBlobs.set(descriptor.digest, headers);
  return headers;
}

/** How many blobs are remembered: at most about 1 MB. */
const KNOWN_LIMIT = 1000;

type BlobHeaders = ReturnType<typeof describeBlob>;
const ofBlobs = new Map<Digest, BlobHeaders>();

const describeBlob = ({ digest, size }: Descriptor) =>
  ({
    "Content-Type": MEDIA_TYPES.blob,
    "Content-Length": String(size),
    "Docker-Content-Digest": digest,
    ETag: etagOf(digest),
    "Cache-Control": FOR_EVER,
    "Accept-Ranges": "bytes",
  }) as const;

/**
 * What GET and HEAD say of a manifest alike. What was asked for by tag may change, so caches have to ask again. Made once
 * for a descriptor: the waist gives the same one each time.
 */
export function manifestHeaders(descriptor: Descriptor, reference: Reference): ManifestHeaders {
  const known = refersByDigest(reference) ? byDigest : byTag;
  const made = known.get(descriptor);
  if (made) return made;
  const headers = describeManifest(descriptor, known === byDigest ? FOR_EVER : "no-cache");
  known.set(descriptor, headers);
  return headers;
}

type ManifestHeaders = ReturnType<typeof describeManifest>;
const byTag = new WeakMap<Descriptor, ManifestHeaders>();
const byDigest = new WeakMap<Descriptor, ManifestHeaders>();

const describeManifest = ({ mediaType, digest, size }: Descriptor, caching: typeof FOR_EVER | "no-cache") => ({
  "Content-Type": mediaType,
  "Content-Length": String(size),
  "Docker-Content-Digest": digest,
  ETag: etagOf(digest),
  "Cache-Control": caching,
});

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
