import { Buffer } from "node:buffer";
import { RegistryError } from "./errors.ts";
import { isObject } from "./json.ts";
import { isImage, isIndex } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { algorithmOf, digestOf, isDigest, quote } from "./reference.ts";
import type { ManifestContent } from "./registry.ts";
import { parseStrictJson } from "./strict-json.ts";

/** A manifest that may be stored. */
export interface ReadManifest {
  /** As the client said, or where it said nothing as the manifest itself says. */
  readonly mediaType: string;
  readonly json: Readonly<Record<string, unknown>>;
}

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/**
 * Reads a manifest that a client pushes, and refuses what another reader could take for something else: two kinds in one,
 * a type that contradicts the header (CVE-2021-41190), fields of the wrong type, doubled keys. Of a media type that is
 * not known here only the fields that all manifests share are looked at, because artifacts bring their own.
 * Throws MANIFEST_INVALID.
 */
export function readPushedManifest(bytes: Uint8Array, given: string | undefined): ReadManifest {
  const json = parse(bytes);
  const mediaType = typeOf(json, given);
  if (SCHEMA_1.test(mediaType) || json["schemaVersion"] === 1) throw invalid("schema 1 is not supported any more");
  assertKeys(json, "it");
  if (isImage(mediaType)) assertImage(json);
  else if (isIndex(mediaType)) assertIndex(json);
  assertCommon(json);
  return { mediaType, json };
}

/**
 * Holds that a manifest keeps its media type: the bytes need not say it, and whoever has the digest counts on one meaning.
 * Throws MANIFEST_INVALID.
 */
export function assertType(mediaType: string, stored: ManifestContent | undefined): void {
  const known = stored?.descriptor.mediaType ?? mediaType;
  if (known !== mediaType) throw invalid(`it is stored as ${known}; to have it as ${mediaType}, delete it first`);
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = parseStrictJson(bytes);
  } catch (error) {
    const isOurs = error instanceof Error && !(error instanceof SyntaxError) && !(error instanceof TypeError);
    throw invalid(isOurs ? error.message : "it is not JSON");
  }
  if (!isObject(json)) throw invalid("it is not a JSON object");
  return json;
}

function typeOf(json: Record<string, unknown>, given: string | undefined): string {
  const own = optional(json["mediaType"]);
  if (own !== undefined && typeof own !== "string") throw invalid("its mediaType is not a string");
  const mediaType = given || own || guessedType(json);
  if (!MEDIA_TYPE.test(mediaType)) throw invalid(`${quote(mediaType)} is not a media type`);
  if (own !== undefined && own !== mediaType) {
    throw invalid(`its mediaType is ${quote(own)}, but the request's Content-Type is ${quote(mediaType)}`);
  }
  return mediaType;
}

function guessedType(json: Record<string, unknown>): string {
  if ("manifests" in json) return MEDIA_TYPES.ociIndex;
  if ("config" in json && "layers" in json) return MEDIA_TYPES.ociManifest;
  throw invalid("neither the request nor the manifest says what it is; send its media type as Content-Type");
}

function assertImage(json: Record<string, unknown>): void {
  assertVersion(json);
  if (optional(json["manifests"]) !== undefined) throw invalid("an image manifest has no manifests");
  assertDescriptor(json["config"], "config");
  assertDescriptors(json["layers"], "layers");
}

function assertIndex(json: Record<string, unknown>): void {
  assertVersion(json);
  for (const field of ["config", "layers"]) {
    if (optional(json[field]) !== undefined) throw invalid(`an index has no ${field}`);
  }
  assertDescriptors(json["manifests"], "manifests");
}

/** Fields of manifests and of descriptors, as whoever does not mind their case would read them. */
const FIELDS: ReadonlyMap<string, string> = new Map(
  [
    ...[
      "schemaVersion",
      "mediaType",
      "artifactType",
      "config",
      "layers",
      "manifests",
      "blobs",
      "subject",
      "annotations",
    ],
    ...["digest", "size", "urls", "data", "platform"],
  ].map((field) => [folded(field), field]),
);

/** Programs in Go take `Layers` for `layers`, and the last of the two counts. */
function assertKeys(json: Record<string, unknown>, shown: string): void {
  for (const key of Object.keys(json)) {
    const field = FIELDS.get(folded(key));
    if (field !== undefined && field !== key) {
      throw invalid(`${shown} has a field ${quote(key)}, which others read as "${field}"`);
    }
  }
}

/** In both directions, because some letters have only one: \u017f is an S, \u212a a K. */
function folded(key: string): string {
  return key.toLowerCase().toUpperCase();
}

function assertVersion(json: Record<string, unknown>): void {
  if (json["schemaVersion"] !== 2) throw invalid("its schemaVersion is not 2");
}

/** What every manifest may have, whatever its type. */
function assertCommon(json: Record<string, unknown>): void {
  if (optional(json["subject"]) !== undefined) assertDescriptor(json["subject"], "subject");
  const artifactType = optional(json["artifactType"]);
  if (artifactType !== undefined && typeof artifactType !== "string") throw invalid("its artifactType is not a string");
  assertStrings(json["annotations"], "annotations");
}

/** Programs in Go write an empty list as null. */
function assertDescriptors(value: unknown, field: string): void {
  const list = optional(value) ?? [];
  if (!Array.isArray(list)) throw invalid(`its ${field} is not a list`);
  for (const [index, element] of list.entries()) assertDescriptor(element, `${field}[${index}]`);
}

/** Image-spec, "Content Descriptors". */
function assertDescriptor(value: unknown, field: string): void {
  if (!isObject(value)) throw invalid(`its ${field} is not a descriptor`);
  assertKeys(value, `its ${field}`);
  const { digest, size, data } = value;
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(`the digest of its ${field} is not valid`);
  if (!Number.isSafeInteger(size) || Number(size) < 0) throw invalid(`the size of its ${field} is not valid`);
  for (const name of ["mediaType", "artifactType"]) {
    const text = optional(value[name]);
    if (text !== undefined && typeof text !== "string") throw invalid(`the ${name} of its ${field} is not a string`);
  }
  const urls = optional(value["urls"]) ?? [];
  if (!Array.isArray(urls) || urls.some((url) => typeof url !== "string")) {
    throw invalid(`the urls of its ${field} are not a list of strings`);
  }
  assertStrings(value["annotations"], `${field}.annotations`);
  const platform = optional(value["platform"]);
  if (platform !== undefined && !isObject(platform)) throw invalid(`the platform of its ${field} is not an object`);
  if (optional(data) !== undefined) assertData(data, digest, Number(size), field);
}

/** A descriptor may carry its content with it; then it has to be that content. */
function assertData(data: unknown, digest: string, size: number, field: string): void {
  const bytes = typeof data === "string" ? Buffer.from(data, "base64") : undefined;
  const algorithm = isDigest(digest) ? algorithmOf(digest) : "";
  const known = algorithm === "sha256" || algorithm === "sha512";
  if (!bytes || bytes.length !== size || (known && digestOf(bytes, algorithm) !== digest)) {
    throw invalid(`the data of its ${field} is not the content that its digest and size say`);
  }
}

function assertStrings(value: unknown, field: string): void {
  const map = optional(value) ?? {};
  if (!isObject(map) || Object.values(map).some((text) => typeof text !== "string")) {
    throw invalid(`its ${field} are not strings by name`);
  }
}

/** Null stands for what is left out. */
const optional = (value: unknown): unknown => value ?? undefined;

const invalid = (reason: string): RegistryError => new RegistryError("MANIFEST_INVALID", reason);
