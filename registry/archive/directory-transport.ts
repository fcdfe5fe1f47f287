import type { ArchiveContent } from "./content.ts";
import type { FileRange } from "./files.ts";
import type { Members } from "./members.ts";
import { readTop } from "./oci-layout.ts";

/**
 * Reads what skopeo and podman call `dir:`: the manifest itself in `manifest.json`, whose content is `bytes`, blobs under
 * the hex of their digest, and the children of an index in `<hex>.manifest.json`. Throws Unusable with the reason.
 */
export function readDirectoryTransport(members: Members, manifestFile: FileRange, bytes: Uint8Array): ArchiveContent {
  const content = readTop(manifestFile, bytes, (digest) => {
    const hex = digest.slice(digest.indexOf(":") + 1);
    return members.find(hex) ?? members.find(`${hex}.manifest.json`);
  });
  return { form: "skopeo directory", ...content };
}
