import { fieldsOf } from "../json.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { type Digest, digestOf } from "../reference.ts";
import type { ArchiveContent, FoundManifest } from "./content.ts";
import type { FileRange } from "./files.ts";
import type { Members } from "./members.ts";
import { type FindBlob, readTree } from "./oci-layout.ts";

/**
 * Reads what skopeo and podman call `dir:`: the manifest itself in `manifest.json`, blobs under the hex of their digest,
 * and the children of an index in `<hex>.manifest.json`. Throws Unusable with the reason.
 */
export function readDirectoryTransport(
  members: Members,
  manifestFile: FileRange,
  bytes: Uint8Array,
  manifest: unknown,
): ArchiveContent {
  const digest = digestOf(bytes);
  const findBlob: FindBlob = (wanted) => {
    if (wanted === digest) return manifestFile;
    const hex = wanted.slice(wanted.indexOf(":") + 1);
    return members.find(hex) ?? members.find(`${hex}.manifest.json`);
  };
  const manifests = new Map<Digest, FoundManifest>();
  const blobs = new Map<Digest, FileRange>();
  const { mediaType, manifests: children } = fieldsOf(manifest);
  const guessed = children === undefined ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.ociIndex;
  const problems = readTree(
    findBlob,
    { digest, mediaType: typeof mediaType === "string" ? mediaType : guessed, size: bytes.length, platform: "" },
    manifests,
    blobs,
  );
  return { form: "skopeo directory", roots: [{ digest, names: [] }], manifests, blobs, problems };
}
