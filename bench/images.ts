import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the benchmark asks for in the folder that it made. */
export interface BenchImages {
  readonly folder: string;
  /** Below /v2/ of a server. The first image has a large layer beside the small ones. */
  readonly repository: string;
  readonly tag: string;
  /** The large layer. */
  readonly blob: { readonly digest: string; readonly path: string; readonly size: number };
}

/** Bytes of the large layer: as many as a base image has. */
export const BLOB_SIZE = 64 * 1024 * 1024;

/** How many images a server starts with. */
export const IMAGE_COUNT = 10;

/** Gives a manifest of about 1.3 kB, which is usual. */
const SMALL_LAYERS = 6;
const SMALL_SIZE = 4096;
const TAG = "latest";

/** Writes images as `crane pull` and `tar -x` leave them. Their layers are random bytes that begin like gzip. */
export function writeImages(folder: string): BenchImages {
  const blob = layerOf(BLOB_SIZE);
  for (let index = 0; index < IMAGE_COUNT; index++) {
    const small = Array.from({ length: SMALL_LAYERS }, () => layerOf(SMALL_SIZE));
    writeExport(join(folder, repositoryOf(index), TAG), index === 0 ? [blob, ...small] : small);
  }
  const repository = repositoryOf(0);
  const path = join(folder, repository, TAG, fileOf(blob));
  return { folder, repository, tag: TAG, blob: { digest: `sha256:${blob.hex}`, path, size: BLOB_SIZE } };
}

interface Layer {
  readonly hex: string;
  readonly bytes: Buffer;
}

const repositoryOf = (index: number): string => `bench/image-${index}`;

const fileOf = ({ hex }: Layer): string => `${hex}.tar.gz`;

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

function layerOf(size: number): Layer {
  const bytes = randomBytes(size);
  // What a layer is, is told by its first bytes.
  bytes.set([0x1f, 0x8b]);
  return { hex: sha256(bytes), bytes };
}

function writeExport(folder: string, layers: readonly Layer[]): void {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    // Nobody unpacks the layers, so any digests will do.
    rootfs: { type: "layers", diff_ids: layers.map(({ hex }) => `sha256:${sha256(hex)}`) },
  });
  const configName = `sha256:${sha256(config)}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, configName), config);
  for (const layer of layers) writeFileSync(join(folder, fileOf(layer)), layer.bytes);
  const manifest = [{ Config: configName, RepoTags: [], Layers: layers.map(fileOf) }];
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
}
