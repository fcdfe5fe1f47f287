import type { Digest } from "../reference.ts";
import type { Descriptor, ManifestContent } from "../registry.ts";
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
}

/** What a manifest is made of. */
export interface PartDescriptor extends Descriptor {
  /** `linux/amd64`, …; empty when the manifest does not say. */
  readonly platform: string;
}

/** A manifest and what can be said of it without reading it again. */
export interface FoundManifest extends ManifestContent {
  /** What it is made of: other manifests (of an index), or blobs. */
  readonly parts: readonly PartDescriptor[];
  /** `linux/amd64`, …; empty when nobody says. */
  readonly platform: string;
  readonly subject?: Digest;
  /** How it is described to those who ask what refers to its subject. */
  readonly referrer: Descriptor;
  /** Of an image whose manifest was rebuilt: what every other manifest that it may have had is made of. */
  readonly rebuilt?: ImageParts;
}
