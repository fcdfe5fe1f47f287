import { createHash, randomBytes } from "node:crypto";
import { descriptorOf, MANIFEST, manifestOf, TAR, TAR_GZIP } from "./manifest.ts";
import type { Member } from "./write-tar.ts";

/** An image that was never built: what a reader asks for is there, and nobody unpacks it. */
export interface FakeImage {
  /** `repository:tag` */
  readonly name: string;
  readonly config: Buffer;
  readonly layers: readonly FakeLayer[];
}

export interface FakeLayer {
  readonly hex: string;
  readonly bytes: Buffer;
  /** More than the bytes: zeros follow. */
  readonly size: number;
}

/** Random bytes that begin like gzip: what a layer is, is told by its first bytes. */
export function fakeLayer(size: number): FakeLayer {
  const bytes = randomBytes(size);
  bytes.set([0x1f, 0x8b]);
  return { hex: sha256(bytes), bytes, size };
}

/** Zeros under the name of a digest that they do not have: a layer that takes no room, to be found and not to be read. */
export const emptyLayer = (size: number): FakeLayer => ({
  hex: randomBytes(32).toString("hex"),
  bytes: Buffer.alloc(0),
  size,
});

export function fakeImage(name: string, layers: readonly FakeLayer[]): FakeImage {
  const diffIds = layers.map(({ hex, bytes }) => `sha256:${bytes.length === 0 ? hex : sha256(hex)}`);
  const rootfs = { type: "layers", diff_ids: diffIds };
  return {
    name,
    layers,
    config: Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs })),
  };
}

/** Where the layer lies in the tars of `craneArchive`. */
export const craneMember = ({ hex }: FakeLayer): string => `${hex}.tar.gz`;

/** As `crane pull` writes it. */
export function craneArchive({ name, config, layers }: FakeImage): Member[] {
  const configName = `sha256:${sha256(config)}`;
  return [
    { name: configName, bytes: config },
    ...layers.map((layer) => ({ ...layer, name: craneMember(layer) })),
    list({ Config: configName, RepoTags: [name], Layers: layers.map(craneMember) }),
  ];
}

/** As `docker save` wrote it before version 25. */
export function oldDockerArchive({ name, config, layers }: FakeImage): Member[] {
  const configName = `${sha256(config)}.json`;
  const memberOf = ({ hex }: FakeLayer): string => `${hex}/layer.tar`;
  return [
    ...layers.map((layer) => ({ ...layer, name: memberOf(layer) })),
    { name: configName, bytes: config },
    list({ Config: configName, RepoTags: [name], Layers: layers.map(memberOf) }),
  ];
}

/** As `docker save` writes it since version 25: an OCI image layout, and a list for old readers. */
export function dockerArchive({ name, config, layers }: FakeImage): Member[] {
  const blobName = (hex: string): string => `blobs/sha256/${hex}`;
  const configBlob = { hex: sha256(config), bytes: config, size: config.length };
  const manifest = manifestOf(
    partOf(configBlob),
    layers.map((layer) => ({ ...partOf(layer), mediaType: layer.bytes.length === 0 ? TAR : TAR_GZIP })),
  );
  const manifestBlob = { hex: sha256(manifest), bytes: manifest, size: manifest.length };
  const annotations = { "io.containerd.image.name": `docker.io/${name}` };
  const index = { schemaVersion: 2, manifests: [{ ...descriptorOf(MANIFEST, partOf(manifestBlob)), annotations }] };
  return [
    ...[...layers, configBlob, manifestBlob].map((blob) => ({ ...blob, name: blobName(blob.hex) })),
    { name: "index.json", bytes: Buffer.from(JSON.stringify(index)) },
    list({ Config: blobName(configBlob.hex), RepoTags: [name], Layers: layers.map(({ hex }) => blobName(hex)) }),
    { name: "oci-layout", bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
  ];
}

const partOf = ({ hex, size }: FakeLayer) => ({ digest: `sha256:${hex}`, size });

const list = (image: object): Member => ({ name: "manifest.json", bytes: Buffer.from(JSON.stringify([image])) });

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");
