import { existsSync } from "node:fs";
import { type Digest, digestFrom, digestOf, isDigest } from "../reference.ts";
import { MAGIC_LENGTH, sniffCompression } from "./compression.ts";
import { type FileRange, memberPath, readHead, readSmall, resolveInside } from "./files.ts";
import type { FoundImage } from "./image.ts";
import type { LayerPart } from "./serialisations.ts";
import { Unusable } from "./unusable.ts";

/** Manifests and configs are small; what is larger is not one. */
const JSON_LIMIT = 4 * 1024 * 1024;

/** An entry of manifest.json, as crane and docker write it. */
interface Entry {
  readonly config: string;
  readonly layers: readonly string[];
  readonly layerSources: Readonly<Record<string, unknown>>;
}

/**
 * Reads an unpacked export with a `manifest.json`: what `crane pull` + `tar -x` (or `docker save` + `tar -x`) leave in
 * `folder`. Reads the JSON and the first bytes of each layer; a layer's digest is taken from its name and proved when it
 * is first served. Throws Unusable with the reason.
 */
export function readDockerArchive(root: string, folder: string): FoundImage {
  const locate = (member: string): string => resolveInside(root, memberPath(folder, member), member);
  const entry = readEntry(locate("manifest.json"));
  const configFile = locate(entry.config);
  const configBytes = readSmall(configFile, JSON_LIMIT, entry.config);
  const config = parseJson(configBytes, entry.config);
  const configDigest = digestOf(configBytes);
  const announced = digestInName(entry.config);
  if (announced && announced !== configDigest) {
    throw new Unusable(`the config ${entry.config} does not match its digest; export the image again`);
  }
  const diffIds = diffIdsOf(config, entry.layers.length);
  const blobs = new Map<Digest, FileRange>();
  blobs.set(configDigest, { path: configFile, offset: 0, size: configBytes.length });
  const layers = entry.layers.map((member, index) => {
    const diffId = diffIds[index];
    const foreign = foreignSource(diffId === undefined ? undefined : entry.layerSources[diffId]);
    if (foreign && !existsSync(memberPath(folder, member))) return foreign;
    const layer = readLayer(locate(member), member, diffId, blobs);
    return foreign ?? layer;
  });
  return {
    parts: { config: { digest: configDigest, size: configBytes.length }, layers },
    blobs,
    platform: platformOf(config),
  };
}

function readEntry(path: string): Entry {
  const entries = parseJson(readSmall(path, JSON_LIMIT, "manifest.json"), "manifest.json");
  if (!Array.isArray(entries) || entries.length === 0) throw new Unusable("manifest.json lists no image");
  if (entries.length > 1) {
    throw new Unusable(`manifest.json lists ${entries.length} images; export each into a folder of its own`);
  }
  const { Config: config, Layers: layers, LayerSources: layerSources } = fieldsOf(entries[0]);
  if (typeof config !== "string") throw new Unusable("manifest.json names no config");
  if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === "string")) {
    throw new Unusable("manifest.json has no list of layers");
  }
  return { config, layers, layerSources: fieldsOf(layerSources) };
}

function readLayer(path: string, member: string, diffId: Digest | undefined, blobs: Map<Digest, FileRange>): LayerPart {
  const { head, size } = readHead(path, MAGIC_LENGTH, member);
  const compression = sniffCompression(head);
  // An uncompressed layer is its own diff id, whatever docker called the file.
  const digest = compression === "none" && diffId ? diffId : digestInName(member);
  if (!digest) throw new Unusable(`the layer ${member} is not named by its digest; export the image with crane pull`);
  blobs.set(digest, { path, offset: 0, size });
  return { digest, size, compression };
}

/** `sha256:<hex>`, `<hex>.tar.gz`, `<hex>.json`, `blobs/sha256/<hex>`: what the tools call a file after its content. */
function digestInName(member: string): Digest | undefined {
  const [, hex] = /(?:^|[:/])([a-f0-9]{64})(?:\.tar(?:\.gz|\.zst)?|\.json)?$/.exec(member) ?? [];
  return hex === undefined ? undefined : digestFrom("sha256", hex);
}

/** A layer that only its owner may serve: crane keeps its descriptor, and clients fetch it from `urls`. */
function foreignSource(source: unknown): LayerPart | undefined {
  const { mediaType, digest, size, urls } = fieldsOf(source);
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === "string") || urls.length === 0) return undefined;
  if (typeof mediaType !== "string" || typeof digest !== "string" || !isDigest(digest)) return undefined;
  if (!Number.isSafeInteger(size) || Number(size) < 0) return undefined;
  return { digest, size: Number(size), compression: "gzip", foreign: { mediaType, urls } };
}

function diffIdsOf(config: unknown, layers: number): Digest[] {
  const { diff_ids: diffIds } = fieldsOf(fieldsOf(config)["rootfs"]);
  if (!Array.isArray(diffIds)) return [];
  if (diffIds.length !== layers) {
    throw new Unusable(`manifest.json lists ${layers} layers and the config ${diffIds.length}; export the image again`);
  }
  return diffIds.map((diffId) => {
    if (typeof diffId !== "string" || !isDigest(diffId)) throw new Unusable("the config has a malformed diff id");
    return diffId;
  });
}

function platformOf(config: unknown): string {
  const { os, architecture, variant } = fieldsOf(config);
  return [os, architecture, variant].filter((part) => typeof part === "string" && part !== "").join("/");
}

function parseJson(bytes: Uint8Array, shown: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Unusable(`${shown} is not JSON; export the image again`, { cause });
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
