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
  sizeOf: (digest: Digest) => number | undefined,
  { sparse = false }: { sparse?: boolean } = {},
): void {
  if (!isImage(mediaType) && !isIndex(mediaType)) return;
  for (const part of parts) {
    const size = sizeOf(part.digest);
    if (size === undefined) {
      if (!sparse && !isForeign(part)) throw new RegistryError("MANIFEST_BLOB_UNKNOWN", part.digest);
    } else if (size !== part.size) {
      throw new RegistryError("MANIFEST_INVALID", `${part.digest} has ${size} bytes, not ${part.size}`);
    }
  }
}

/** Image-spec, "Non-Distributable Layers", and Docker's name for them. */
const isForeign = ({ mediaType, urls }: PartDescriptor): boolean =>
  urls !== undefined || mediaType.includes("nondistributable") || mediaType.includes("rootfs.foreign");
