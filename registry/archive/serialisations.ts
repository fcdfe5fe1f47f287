import { MEDIA_TYPES } from "../media-types.ts";
import { type Digest, digestOf } from "../reference.ts";
import type { ManifestContent } from "../registry.ts";
import type { Compression } from "./compression.ts";

/** What an export keeps of its manifest: the config, and the layers in order. */
export interface ImageParts {
  /** `text` is the config itself when no archive holds it, because it was made here. */
  readonly config: { readonly digest: Digest; readonly size: number; readonly text?: string };
  readonly layers: readonly LayerPart[];
}

export interface LayerPart {
  readonly digest: Digest;
  readonly size: number;
  readonly compression: Compression;
  /** Of a layer that may not be passed on: the type and the places that its manifest gave. */
  readonly foreign?: { readonly mediaType: string; readonly urls: readonly string[] };
}

/**
 * An export such as `crane pull` writes has lost its manifest, but holds all that stood in it. Each tool writes JSON in
 * its own way, so there are some forty manifests that the image may have had; the one whose hash is the digest that a
 * client asks for is the original, and the hash is the proof.
 */
interface Serialisation {
  readonly family: "docker" | "oci";
  readonly indent: number;
  readonly order: "size-first" | "digest-first";
  readonly newline: boolean;
  readonly topMediaType: boolean;
  /** podman 5 and buildah 1.39 write two empty annotations on images made FROM scratch. */
  readonly emptyBase: boolean;
  /** skopeo leaves the type at gzip when it decompresses layers. */
  readonly allGzip: boolean;
}

const CANONICAL: Serialisation = {
  family: "docker",
  indent: 0,
  order: "size-first",
  newline: false,
  topMediaType: true,
  emptyBase: false,
  allGzip: false,
};

/** Who writes what (found by rebuilding manifests whose digest was known): docker 3 spaces, BuildKit 2, the rest none. */
const SERIALISATIONS: readonly Serialisation[] = [
  ...combinations("docker", [true]),
  ...combinations("oci", [true, false]),
  { ...CANONICAL, family: "oci", order: "digest-first", emptyBase: true },
];

function combinations(family: "docker" | "oci", topMediaTypes: readonly boolean[]): Serialisation[] {
  const all: Serialisation[] = [];
  for (const topMediaType of topMediaTypes) {
    for (const indent of [0, 2, 3]) {
      for (const order of ["size-first", "digest-first"] as const) {
        for (const newline of [false, true]) {
          all.push({ ...CANONICAL, family, indent, order, newline, topMediaType });
        }
      }
    }
  }
  return all;
}

/**
 * The manifest that a tag means when nobody says which of the possible ones was the original: the form that `crane push`
 * writes, Docker's types, compact. With a zstd layer OCI's types, because Docker has none for it. The same from run to
 * run and from machine to machine.
 */
export function canonicalManifest(parts: ImageParts): ManifestContent {
  return serialise(parts, { ...CANONICAL, family: familyOf(parts) });
}

/**
 * Every manifest that the image may have had, the canonical one among them, by digest. Makes some forty hashes of about
 * 1 KB; the bytes are made again when one is asked for.
 */
export function possibleManifests(parts: ImageParts): Map<Digest, () => ManifestContent> {
  const hasPlainLayer = parts.layers.some(({ compression }) => compression === "none");
  const typings = hasPlainLayer ? [false, true] : [false];
  const possible = new Map<Digest, () => ManifestContent>();
  for (const form of SERIALISATIONS) {
    if (form.family === "docker" && familyOf(parts) === "oci") continue;
    for (const allGzip of typings) {
      const make = () => serialise(parts, { ...form, allGzip });
      possible.set(make().descriptor.digest, make);
    }
  }
  return possible;
}

const familyOf = ({ layers }: ImageParts): "docker" | "oci" =>
  layers.some(({ compression }) => compression === "zstd") ? "oci" : "docker";

function serialise(parts: ImageParts, form: Serialisation): ManifestContent {
  const docker = form.family === "docker";
  const mediaType = docker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const configType = docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig;
  const manifest = {
    schemaVersion: 2,
    ...(form.topMediaType ? { mediaType } : {}),
    config: describe(configType, parts.config, form.order),
    layers: parts.layers.map((layer) => ({
      ...describe(layerType(layer, form), layer, form.order),
      ...(layer.foreign ? { urls: layer.foreign.urls } : {}),
    })),
    ...(form.emptyBase ? { annotations: EMPTY_BASE } : {}),
  };
  const bytes = Buffer.from(goJson(manifest, form.indent) + (form.newline ? "\n" : ""));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

const EMPTY_BASE = { "org.opencontainers.image.base.digest": "", "org.opencontainers.image.base.name": "" };

function describe(
  mediaType: string,
  { digest, size }: { digest: Digest; size: number },
  order: Serialisation["order"],
) {
  return order === "size-first" ? { mediaType, size, digest } : { mediaType, digest, size };
}

function layerType({ compression, foreign }: LayerPart, { family, allGzip }: Serialisation): string {
  if (foreign) return foreign.mediaType;
  const actual = allGzip ? "gzip" : compression;
  if (family === "docker") return actual === "gzip" ? MEDIA_TYPES.dockerLayerGzip : MEDIA_TYPES.dockerLayer;
  return { none: MEDIA_TYPES.ociLayer, gzip: MEDIA_TYPES.ociLayerGzip, zstd: MEDIA_TYPES.ociLayerZstd }[actual];
}

/** JSON as Go writes it, which every tool here is written in: these characters are escaped (they occur in URLs). */
function goJson(value: unknown, indent: number): string {
  return JSON.stringify(value, undefined, indent).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
