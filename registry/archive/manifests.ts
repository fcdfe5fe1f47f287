import { factsOf } from "../manifest.ts";
import type { ManifestContent } from "../registry.ts";
import type { FoundManifest } from "./content.ts";
import { parseJson } from "./json.ts";

/** Reads out of a manifest what it is made of and what it refers to. Throws Unusable when it is not JSON. */
export function describeManifest({ descriptor, bytes }: ManifestContent): Omit<FoundManifest, "platform" | "rebuilt"> {
  return { descriptor, bytes, ...factsOf(descriptor, parseJson(bytes, `the manifest ${descriptor.digest}`)) };
}
