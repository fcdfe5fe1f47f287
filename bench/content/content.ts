import { createHash, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { manifestOf } from "./manifest.ts";

/** The images that every server of a comparison gets, as files. */
export interface Content {
  readonly images: readonly ContentImage[];
}

export interface ContentImage {
  readonly repository: string;
  readonly tag: string;
  readonly manifest: ContentFile;
  /** Configuration and layers, each once. */
  readonly blobs: readonly ContentFile[];
}

export interface ContentFile {
  readonly digest: string;
  readonly size: number;
  readonly path: string;
}

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** Whose layers are measured one by one: each layer has another size. */
export const SIZES_REPOSITORY = "bench/sizes";
/** What is pulled as a whole: as many images as there are, with five layers each. */
export const pulledRepository = (index: number): string => `bench/image-${index}`;
export const PULLED = 10;
export const TAG = "latest";

/** Of the layers of an image that is pulled as a whole: what hashing takes of the client must not hide the server. */
const PULLED_SIZES = [4, 16, 64, 256, 1024].map((size) => size * KIBIBYTE);

/** Of the layers of `SIZES_REPOSITORY`, by the name that they have in the tables. */
export const SIZES: Readonly<Record<string, number>> = {
  "4 KiB": 4 * KIBIBYTE,
  "64 KiB": 64 * KIBIBYTE,
  "1 MiB": MEBIBYTE,
  "64 MiB": 64 * MEBIBYTE,
  "1 GiB": 1024 * MEBIBYTE,
};

/** Writes the images to a new folder; the layer of 1 GiB only when it is wanted. */
export function writeContent(folder: string, withLargest: boolean): Content {
  mkdirSync(folder, { recursive: true });
  const sizes = Object.values(SIZES).filter((size) => withLargest || size < 1024 * MEBIBYTE);
  const pulled = Array.from({ length: PULLED }, (_, index) => [pulledRepository(index), PULLED_SIZES] as const);
  const images = [[SIZES_REPOSITORY, sizes] as const, ...pulled].map(([repository, layerSizes]) => {
    const layers = layerSizes.map((size) => writeLayer(folder, size));
    const configText = JSON.stringify({ architecture: "amd64", os: "linux", config: {}, name: repository });
    const config = writeFile(folder, Buffer.from(configText));
    const manifest = writeFile(folder, manifestOf(config, layers));
    return { repository, tag: TAG, manifest, blobs: [config, ...layers] };
  });
  return { images };
}

/** The layer of that size. Throws when it was not written. */
export function layerOfSize({ images }: Content, size: number): ContentFile {
  const { blobs = [] } = images.find(({ repository }) => repository === SIZES_REPOSITORY) ?? {};
  const layer = blobs.find((blob) => blob.size === size);
  if (!layer) throw new Error(`There is no layer of ${size} bytes`);
  return layer;
}

/** Where a server has a layer of `SIZES_REPOSITORY`. */
export const layerUrl = (origin: string, { digest }: ContentFile): string =>
  `${origin}/v2/${SIZES_REPOSITORY}/blobs/${digest}`;

/** Random bytes, the same mebibyte again and again: nobody compresses, and making them must not take minutes. */
function writeLayer(folder: string, size: number): ContentFile {
  const piece = randomBytes(Math.min(size, MEBIBYTE));
  const pieces = Math.ceil(size / MEBIBYTE);
  const hash = createHash("sha256");
  for (let index = 0; index < pieces; index++) hash.update(piece);
  const digest = `sha256:${hash.digest("hex")}`;
  const path = join(folder, digest);
  const file = openSync(path, "w");
  for (let index = 0; index < pieces; index++) writeSync(file, piece);
  closeSync(file);
  return { digest, size, path };
}

function writeFile(folder: string, bytes: Buffer): ContentFile {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const path = join(folder, digest);
  writeFileSync(path, bytes);
  return { digest, size: bytes.length, path };
}
