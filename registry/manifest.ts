import { RegistryError } from "./errors.ts";
import { type Digest, parseDigest } from "./reference.ts";

/** What a manifest says about itself to those who look for referrers. */
export interface SubjectOf {
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads `subject`, and for the list of referrers `artifactType` and `annotations`, out of a manifest's bytes. An image
 * manifest without `artifactType` has the type of its config (distribution-spec, "Listing Referrers").
 * Throws MANIFEST_INVALID when the bytes are not a JSON object, DIGEST_INVALID for a malformed subject.
 */
export function parseSubject(bytes: Uint8Array): SubjectOf {
  const manifest = parseObject(bytes);
  const subject = asObject(manifest["subject"])?.["digest"];
  const artifactType = manifest["artifactType"] ?? asObject(manifest["config"])?.["mediaType"];
  const annotations = asObject(manifest["annotations"]);
  return {
    ...(typeof subject === "string" ? { subject: parseDigest(subject) } : {}),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(annotations ? { annotations: onlyStrings(annotations) } : {}),
  };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  const value = parseJson(bytes);
  if (!value) throw new RegistryError("MANIFEST_INVALID", "it is not a JSON object");
  return value;
}

function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new RegistryError("MANIFEST_INVALID", "it is not JSON", { cause });
  }
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

const onlyStrings = (value: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
