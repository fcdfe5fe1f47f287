import type { Digest } from "../reference.ts";
import type { ArchiveContent, FoundManifest } from "./content.ts";
import { describeManifest } from "./manifests.ts";
import { possibleManifests } from "./serialisations.ts";

/**
 * The same archive with the manifest of digest `wanted` at the place of the canonical one, when it can be rebuilt; its hash
 * proves that it is the original. Undefined when nothing in the archive can have had that digest.
 */
export function withOriginal(content: ArchiveContent, wanted: Digest): ArchiveContent | undefined {
  if (content.manifests.has(wanted)) return content;
  for (const root of content.roots) {
    const manifest = content.manifests.get(root.digest);
    const original = manifest?.rebuilt && possibleManifests(manifest.rebuilt).get(wanted)?.();
    if (!manifest || !original) continue;
    const found: FoundManifest = { ...manifest, ...describeManifest(original) };
    return {
      ...content,
      roots: content.roots.map((each) => (each === root ? { ...each, digest: wanted } : each)),
      manifests: new Map([...content.manifests, [wanted, found]]),
    };
  }
  return undefined;
}
