import { RegistryError } from "./errors.ts";
import { isImage, isIndex, type ManifestFacts, type PartDescriptor } from "./manifest.ts";
import type { Digest } from "./reference.ts";

/**
 * Holds that a manifest can be pulled whole: each of its parts is in the repository and has the size that the manifest
 * says. Layers that live elsewhere (`urls`, foreign layers) may be missing, and with `sparse` any part (a partial mirror).
 * What artifacts of other media types are made of is theirs to know. Throws MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID.
 */
export function assertParts(
  mediaType: string,
  { parts }: Pick<ManifestFacts, "parts">,
  held: Held,
  { sparse = false }: { sparse?: boolean } = {},
): void {
  if (!isImage(mediaType) && !isIndex(mediaType)) return;
  for (const part of parts) {
    const size = sizeOf(mediaType, part, held);
    if (size === undefined) {
      if (!sparse && !isForeign(part)) throw new RegistryError("MANIFEST_BLOB_UNKNOWN", part.digest);
    } else if (size !== part.size) {
      throw new RegistryError("MANIFEST_INVALID", `${part.digest} has ${size} bytes, not ${part.size}`);
    }
  }
}

/** What a repository holds: the sizes of its blobs and of its manifests. */
export interface Held {
  readonly blobs: (digest: Digest) => number | undefined;
  readonly manifests: (digest: Digest) => number | undefined;
}

/** Where clients will look for it: an index of old build caches lists layers, which are blobs. */
function sizeOf(mediaType: string, part: PartDescriptor, { blobs, manifests }: Held): number | undefined {
  if (isImage(mediaType)) return blobs(part.digest);
  const size = manifests(part.digest);
  return size === undefined && !isImage(part.mediaType) && !isIndex(part.mediaType) ? blobs(part.digest) : size;
}

/** Image-spec, "Non-Distributable Layers", and Docker's name for them. */
const isForeign = ({ mediaType, urls }: PartDescriptor): boolean =>
  urls !== undefined || mediaType.includes("nondistributable") || mediaType.includes("rootfs.foreign");
