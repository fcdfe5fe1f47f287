import type { ManifestFacts } from "../manifest.ts";
import type { Digest } from "../reference.ts";
import type { ManifestContent } from "../registry.ts";
import type { FileRange } from "./files.ts";
import type { ImageParts } from "./serialisations.ts";

/** What an archive holds, whatever form it has. */
export interface ArchiveContent {
  /** For people: `OCI layout`, `docker archive`, … */
  readonly form: string;
  /** What stands at its top: an image, index or artifact each. */
  readonly roots: readonly Root[];
  /** Every manifest that is in it or can be made of what is, by digest. */
  readonly manifests: ReadonlyMap<Digest, FoundManifest>;
  /** Where the bytes of configs and layers lie. */
  readonly blobs: ReadonlyMap<Digest, FileRange>;
  /** What in it cannot be served, beside what can. */
  readonly problems: readonly string[];
}

export interface Root {
  readonly digest: Digest;
  /** The references that the archive carries for it, as they stand there: full names, or only tags. */
  readonly names: readonly string[];
  /** Bytes of its configs and layers. */
  readonly size: number;
}

/** A manifest and what can be said of it without reading it again. */
export interface FoundManifest extends ManifestContent, ManifestFacts {
  /** `linux/amd64`, …; empty when nobody says. */
  readonly platform: string;
  /** Of an image whose manifest was rebuilt: what every other manifest that it may have had is made of. */
  readonly rebuilt?: ImageParts;
}
