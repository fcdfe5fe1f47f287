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

/** Bytes of an image's blobs, one that occurs twice counted once. */
export const sizeOf = ({ blobs }: FoundImage): number => [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
