import type { Digest } from "../registry/reference.ts";
import { blobsOfImage, type Catalogue } from "../registry/store/catalogue.ts";
import type { Finding } from "../registry/store/findings.ts";
import { blobsOf } from "../registry/store/verify.ts";

/** A blob that is served, or would be, and is known to be wrong. */
export interface Damaged {
  /**
   * Of the archive, below the folder; of a file of its own when no tag leads to it; of what was pushed, the data folder.
   */
  readonly path: string;
  /** Undefined when it is a tag that cannot be read. */
  readonly digest?: Digest;
  /** What is wrong and what to do. */
  readonly reason: string;
  /** `repository:tag` of all that it is needed for. */
  readonly images: readonly string[];
}

/** What servers and checks have found out about the blobs that are served. */
export function damagedIn(catalogue: Catalogue, findings: readonly Finding[]): Damaged[] {
  if (findings.length === 0) return [];
  const served = new Set(blobsOf(catalogue).map(placeOf));
  const images = [...catalogue.repositories.values()].flatMap(({ name, tags }) =>
    [...tags].map(([tag, image]) => ({ name: `${name}:${tag}`, path: image.archive.path, blobs: blobsOfImage(image) })),
  );
  return findings.flatMap((finding) => {
    const { path, offset, digest, reason } = finding;
    if (!served.has(placeOf({ digest, file: { path, offset } }))) return [];
    const hit = images.filter(({ blobs }) => {
      const file = blobs.get(digest);
      return file?.path === path && file.offset === offset;
    });
    return {
      path: hit[0]?.path ?? path,
      digest,
      reason: `${reason}; put the archive there again`,
      images: hit.map(({ name }) => name),
    };
  });
}

const placeOf = ({ digest, file }: { digest: Digest; file: { path: string; offset: number } }): string =>
  `${digest} ${file.path} ${file.offset}`;
