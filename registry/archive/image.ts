import type { Digest } from "../reference.ts";
import type { FileRange } from "./files.ts";
import type { ImageParts } from "./serialisations.ts";

/** An image as it was found on disk: its parts, and where the bytes of each lie. */
export interface FoundImage {
  readonly parts: ImageParts;
  readonly blobs: ReadonlyMap<Digest, FileRange>;
  /** `linux/amd64`, `linux/arm/v7`, … as the config says; empty when it does not. */
  readonly platform: string;
}

/** Why something in the folder is not served, in words for the person who put it there: what is wrong, what to do. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}
