import { MEDIA_TYPES } from "../media-types.ts";
import { type Digest, isDigest } from "../reference.ts";
import type { ManifestContent } from "../registry.ts";
import type { FoundManifest, PartDescriptor } from "./content.ts";
import { elementsOf, fieldsOf, parseJson } from "./json.ts";
import { platformOf } from "./platform.ts";

const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList]);

/** Whether a manifest lists other manifests. */
export const isIndex = (mediaType: string): boolean => INDEX_TYPES.has(mediaType);

/** Reads out of a manifest what it is made of and what it refers to. Throws Unusable when it is not JSON. */
export function describeManifest({ descriptor, bytes }: ManifestContent): Omit<FoundManifest, "platform" | "rebuilt"> {
  const manifest = fieldsOf(parseJson(bytes, `the manifest ${descriptor.digest}`));
  const children = elementsOf(manifest["manifests"]);
  const blobs = [manifest["config"], ...elementsOf(manifest["layers"])];
  const subject = descriptorOf(manifest["subject"])?.digest;
  const configType = fieldsOf(manifest["config"])["mediaType"];
  const artifactType = manifest["artifactType"] ?? configType;
  const annotations = stringsOf(manifest["annotations"]);
  return {
    descriptor,
    bytes,
    parts: [...children, ...blobs].flatMap((part) => descriptorOf(part) ?? []),
    ...(subject === undefined ? {} : { subject }),
    referrer: {
      ...descriptor,
      ...(typeof artifactType === "string" ? { artifactType } : {}),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

/** A descriptor out of JSON; undefined for what is none. */
export function descriptorOf(value: unknown): PartDescriptor | undefined {
  const { mediaType, digest, size, urls, annotations, platform } = fieldsOf(value);
  if (typeof digest !== "string" || !isDigest(digest)) return undefined;
  if (!Number.isSafeInteger(size) || Number(size) < 0) return undefined;
  const texts = elementsOf(urls).filter((url) => typeof url === "string");
  const notes = stringsOf(annotations);
  return {
    mediaType: typeof mediaType === "string" ? mediaType : "",
    digest: digest as Digest,
    size: Number(size),
    ...(texts.length > 0 ? { urls: texts } : {}),
    ...(notes ? { annotations: notes } : {}),
    platform: platformOf(platform),
  };
}

function stringsOf(value: unknown): Record<string, string> | undefined {
  const entries = Object.entries(fieldsOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
