import { elementsOf, fieldsOf } from "../json.ts";
import { platformOf } from "../platform.ts";
import { type Digest, digestFrom, digestOf, isDigest } from "../reference.ts";
import { MAGIC_LENGTH, sniffCompression } from "./compression.ts";
import type { ArchiveContent, FoundManifest, Root } from "./content.ts";
import { type FileRange, readHead, readSmall } from "./files.ts";
import { JSON_LIMIT, parseJson } from "./json.ts";
import { describeManifest } from "./manifests.ts";
import { type Members, need } from "./members.ts";
import { canonicalManifest, type LayerPart } from "./serialisations.ts";
import { sizeOfImage } from "./size.ts";
import { readEach, Unusable } from "./unusable.ts";

/** An image in manifest.json, as crane, docker, podman and skopeo write it. */
interface Entry {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
  readonly layerSources: Readonly<Record<string, unknown>>;
}

/**
 * Reads the form that has a list of images in `manifest.json`: exports of crane (default and legacy), `docker save`,
 * docker-archives of podman and skopeo. It keeps configs and layers but no manifest, so that is built again. Reads the
 * JSON and the first bytes of each layer; a layer's digest comes from its name, or from the config when it is not
 * compressed, and is proved when it is first served. Throws Unusable with the reason.
 */
export function readDockerArchive(members: Members, list: unknown): ArchiveContent {
  const entries = elementsOf(list);
  if (entries.length === 0) throw new Unusable("manifest.json lists no image");
  const blobs = new Map<Digest, FileRange>();
  const manifests = new Map<Digest, FoundManifest>();
  const findLayer = layerFinder(members);
  const { read: roots, problems } = readEach(entries, (value): Root => {
    const entry = readEntry(value);
    const manifest = readImage(members, findLayer, entry, blobs);
    manifests.set(manifest.descriptor.digest, manifest);
    const { digest } = manifest.descriptor;
    return { digest, names: entry.names, size: sizeOfImage(digest, { manifests, blobs }) };
  });
  return { form: "docker archive", roots, manifests, blobs, problems };
}

function readEntry(value: unknown): Entry {
  const { Config: config, RepoTags: names, Layers: layers, LayerSources: layerSources } = fieldsOf(value);
  if (typeof config !== "string") throw new Unusable("manifest.json names no config");
  if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === "string")) {
    throw new Unusable("manifest.json has no list of layers");
  }
  if (names !== null && names !== undefined && !Array.isArray(names))
    throw new Unusable("manifest.json has no list of tags");
  // Old exports name images without a tag (`ubuntu`); in other forms that would be a tag.
  const texts = elementsOf(names).filter((name) => typeof name === "string");
  const full = texts.map((name) => (/[:@]/.test(name.slice(name.lastIndexOf("/") + 1)) ? name : `${name}:latest`));
  return { config, names: full, layers, layerSources: fieldsOf(layerSources) };
}

type FindLayer = (member: string) => FileRange | undefined;

function readImage(members: Members, findLayer: FindLayer, entry: Entry, blobs: Map<Digest, FileRange>): FoundManifest {
  const configFile = need(members, entry.config);
  const bytes = readSmall(configFile, JSON_LIMIT, entry.config);
  const config = parseJson(bytes, entry.config);
  const digest = digestOf(bytes);
  const announced = digestInName(entry.config);
  if (announced && announced !== digest) {
    throw new Unusable(`the config ${entry.config} does not match its digest; export the image again`);
  }
  const diffIds = diffIdsOf(config, entry.layers.length);
  blobs.set(digest, configFile);
  const layers = entry.layers.map((member, index): LayerPart => {
    const diffId = diffIds[index];
    const foreign = foreignSource(diffId === undefined ? undefined : entry.layerSources[diffId]);
    const file = findLayer(member);
    if (!file && foreign) return foreign;
    if (!file) throw new Unusable(`${member} is missing`);
    const layer = readLayer(members, file, member, diffId);
    blobs.set(layer.digest, file);
    return foreign ?? layer;
  });
  const parts = { config: { digest, size: bytes.length }, layers };
  return { ...describeManifest(canonicalManifest(parts)), platform: platformOf(config), rebuilt: parts };
}

/** By name; else by the hash in it, because crane writes a layer that two images share only once, under one name. */
function layerFinder(members: Members): FindLayer {
  let byHex: Map<string, string> | undefined;
  return (member) => {
    const found = members.find(member);
    const hex = HASH_IN_NAME.exec(member)?.[1];
    if (found || hex === undefined) return found;
    byHex ??= new Map(members.names().map((name) => [HASH_IN_NAME.exec(name)?.[1] ?? "", name]));
    const other = byHex.get(hex);
    return other === undefined ? undefined : members.find(other);
  };
}

function readLayer({ hash }: Members, file: FileRange, member: string, diffId: Digest | undefined): LayerPart {
  const compression = sniffCompression(readHead(file, MAGIC_LENGTH, member));
  // An uncompressed layer is its own diff id, whatever docker called the file.
  const known = compression === "none" && diffId ? diffId : digestInName(member);
  return { digest: known ?? hash(file, member), size: file.size, compression };
}

/** `sha256:<hex>`, `<hex>.tar.gz`, `<hex>.json`, `blobs/sha256/<hex>`: what the tools call a file after its content. */
const HASH_IN_NAME = /(?:^|[:/])([a-f0-9]{64})(?:\.tar(?:\.gz|\.zst)?|\.json)?$/;

function digestInName(member: string): Digest | undefined {
  const [, hex] = HASH_IN_NAME.exec(member) ?? [];
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
