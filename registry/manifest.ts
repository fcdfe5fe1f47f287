import { elementsOf, fieldsOf, stringsOf } from "./json.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { platformOf } from "./platform.ts";
import { type Digest, isDigest } from "./reference.ts";
import type { Descriptor } from "./registry.ts";

/** What a manifest is made of. */
export interface PartDescriptor extends Descriptor {
  /** `linux/amd64`, …; empty when the manifest does not say. */
  readonly platform: string;
}

/** What can be said of a manifest without reading it again. */
export interface ManifestFacts {
  /** What it is made of: other manifests (of an index), or blobs. */
  readonly parts: readonly PartDescriptor[];
  readonly subject?: Digest;
  /** How it is described to those who ask what refers to its subject (distribution-spec, "Listing Referrers"). */
  readonly referrer: Descriptor;
}

const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList]);

const IMAGE_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest]);

/** Whether a manifest is made of a config and layers. */
export const isImage = (mediaType: string): boolean => IMAGE_TYPES.has(mediaType);

/** Whether a manifest lists other manifests. */
export const isIndex = (mediaType: string): boolean => INDEX_TYPES.has(mediaType);

/**
 * Reads out of the JSON of a manifest what it is made of and what it refers to. What is malformed is left out: whoever
 * takes manifests from strangers asks `readPushedManifest` first.
 */
export function factsOf(descriptor: Descriptor, json: unknown): ManifestFacts {
  const manifest = fieldsOf(json);
  const lists = [manifest["manifests"], manifest["layers"], manifest["blobs"]];
  const parts = [manifest["config"], ...lists.flatMap(elementsOf)];
  const subject = descriptorOf(manifest["subject"])?.digest;
  const artifactType = manifest["artifactType"] ?? fieldsOf(manifest["config"])["mediaType"];
  const annotations = stringsOf(manifest["annotations"]);
  return {
    parts: parts.flatMap((part) => descriptorOf(part) ?? []),
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
    digest,
    size: Number(size),
    ...(texts.length > 0 ? { urls: texts } : {}),
    ...(notes ? { annotations: notes } : {}),
    platform: platformOf(platform),
  };
}
