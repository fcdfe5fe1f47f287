import { elementsOf, fieldsOf } from "../json.ts";
import type { ArchiveContent } from "./content.ts";
import { readDirectoryTransport } from "./directory-transport.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { readSmall } from "./files.ts";
import { JSON_LIMIT, parseJson } from "./json.ts";
import { below, type Members } from "./members.ts";
import { readOciLayout } from "./oci-layout.ts";
import { Unusable } from "./unusable.ts";

/** The files that tell that a folder or a tar is an archive of images. */
export const MARKERS: readonly string[] = ["index.json", "manifest.json"];

/**
 * Reads an archive, telling its form by what is in it. Where there are both original manifests (`index.json`) and a
 * `manifest.json` for old readers, the originals count. Throws Unusable with the reason, in words for the archive's owner.
 */
export function readArchive(members: Members): ArchiveContent {
  const indexFile = members.find("index.json");
  if (indexFile) {
    const index = parseJson(readSmall(indexFile, JSON_LIMIT, "index.json"), "index.json");
    if (elementsOf(fieldsOf(index)["manifests"]).length > 0) return readOciLayout(members, index);
  }
  const manifestFile = members.find("manifest.json");
  if (manifestFile) {
    const bytes = readSmall(manifestFile, JSON_LIMIT, "manifest.json");
    const manifest = parseJson(bytes, "manifest.json");
    const isManifest = fieldsOf(manifest)["schemaVersion"] !== undefined;
    if (isManifest) return readDirectoryTransport(members, manifestFile, bytes);
    return readDockerArchive(members, manifest);
  }
  if (indexFile) throw new Unusable("index.json lists no image");
  const inner = innerFolder(members);
  if (inner !== undefined) return readArchive(below(members, inner));
  throw new Unusable("it holds no image: there is neither an index.json nor a manifest.json in it");
}

/** Packing a folder instead of what is in it puts everything further down; undefined when there are several such places. */
function innerFolder(members: Members): string | undefined {
  const folders = members.names().flatMap((name) => {
    const slash = name.lastIndexOf("/");
    return slash > 0 && MARKERS.includes(name.slice(slash + 1)) ? [name.slice(0, slash)] : [];
  });
  const [first, ...others] = new Set(folders);
  return others.length === 0 ? first : undefined;
}
