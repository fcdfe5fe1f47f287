import type { Digest } from "../reference.ts";
import type { ArchiveContent } from "./content.ts";

/** Bytes of an image: its configs and layers, of all its platforms that are there, one that occurs twice counted once. */
export function sizeOfImage(root: Digest, { manifests, blobs }: Pick<ArchiveContent, "manifests" | "blobs">): number {
  const seen = new Set<Digest>();
  let size = 0;
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    size += blobs.get(next)?.size ?? 0;
    for (const { digest } of manifests.get(next)?.parts ?? []) waiting.push(digest);
  }
  return size;
}
