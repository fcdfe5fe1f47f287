import { elementsOf, isObject, stringsOf } from "../json.ts";
import { platformOf } from "../platform.ts";
import { type Digest, digestOf, isDigest } from "../reference.ts";
import type { ArchiveContent, FoundManifest } from "./content.ts";
import { type FileRange, readSmall } from "./files.ts";
import { JSON_LIMIT, parseJson } from "./json.ts";
import { describeManifest } from "./manifests.ts";
import { below, type Members, need, tarMembers } from "./members.ts";
import { blobsOfLayout, readTop } from "./oci-layout.ts";
import { withOriginal } from "./original.ts";
import { readArchive } from "./read-archive.ts";
import { canonicalManifest, type ImageParts } from "./serialisations.ts";
import { Unusable } from "./unusable.ts";

/** What Concourse calls the tar of an image: the registry-image resource, and the older docker-image resource. */
const IMAGES: readonly string[] = ["image.tar", "image"];
/** The files of an image in one tar: of the resource types that Concourse brings along, and of docker-image. */
const ROOTFS: readonly string[] = ["rootfs.tgz", "rootfs.tar"];
const LAYOUT = "oci";
const UNPACKED_ROOTFS = "rootfs";
const METADATA: readonly string[] = ["metadata.json", "resource_metadata.json"];

/** Whether a folder, which holds these names, is what `get` of a Concourse resource leaves. */
export const isFetched = (names: readonly string[]): boolean =>
  names.includes("repository") && (names.includes("tag") || names.includes("digest"));

/** The same, or one of the resource types that Concourse brings along. */
export function isResource(names: readonly string[]): boolean {
  const has = (name: string): boolean => names.includes(name);
  return isFetched(names) || ([...ROOTFS, UNPACKED_ROOTFS].some(has) && METADATA.some(has));
}

/** Throws Unusable, with what to do, when there is nothing in such a folder that can be served. */
export function checkResource(names: readonly string[]): void {
  if ([...IMAGES, ...ROOTFS, LAYOUT].some((name) => names.includes(name))) return;
  if (!names.includes(UNPACKED_ROOTFS)) {
    throw new Unusable("Concourse has not downloaded the image; get it without skip_download");
  }
  throw new Unusable(
    'Concourse has unpacked the image, which lost its layers; get it with "format: oci", or pack it with "tar -C rootfs -cf rootfs.tar ." and remove rootfs/',
  );
}

/** Where the content of a file lies when it is not compressed (any more). Throws Unusable when it cannot be had (yet). */
export type Plain = (file: FileRange, shown: string) => FileRange;

/**
 * Reads a folder of Concourse. The files `repository`, `tag` and `digest` say what the image is called and which manifest
 * it had; that one is served when it is inside or can be rebuilt. Of a rootfs an image of one layer is made: always the
 * same one of the same files, for linux/amd64, because nothing says for what it is. Throws Unusable with the reason.
 */
export function readResource(members: Members, plain: Plain): ArchiveContent {
  const text = (name: string): string => {
    const file = members.find(name);
    return file ? readSmall(file, JSON_LIMIT, name).toString("utf8").trim() : "";
  };
  const digest = text("digest");
  const original = isDigest(digest) ? digest : undefined;
  const content = readImage(members, plain, original);
  const chosen = (original && withOriginal(content, original)) ?? content;
  const names = namesOf(members, { repository: text("repository"), tag: text("tag"), digest });
  const [root, ...others] = chosen.roots;
  const renamed = root && others.length === 0 && names.length > 0 ? [{ ...root, names }] : chosen.roots;
  return { ...chosen, form: `Concourse ${chosen.form}`, roots: renamed };
}

function readImage(members: Members, plain: Plain, original: Digest | undefined): ArchiveContent {
  const layout = below(members, LAYOUT);
  if (layout.find("index.json")) return readLayout(layout, original);
  for (const name of IMAGES) {
    const file = members.find(name);
    if (file) return readArchive(tarMembers(plain(file, name).path, name, members.hash));
  }
  for (const name of ROOTFS) {
    const file = members.find(name);
    if (file) return readRootfs(members, plain(file, name), name);
  }
  throw new Unusable("there is no image in it");
}

/** Of an image for several platforms, Concourse writes the index itself as `index.json`. */
function readLayout(layout: Members, original: Digest | undefined): ArchiveContent {
  const file = need(layout, "index.json");
  const bytes = readSmall(file, JSON_LIMIT, "index.json");
  if (digestOf(bytes) !== original) return readArchive(layout);
  return { form: "OCI layout", ...readTop(file, bytes, blobsOfLayout(layout)) };
}

function readRootfs(members: Members, layer: FileRange, shown: string): ArchiveContent {
  // Nothing says the digest, so the bytes do.
  const digest = members.hash(layer, shown);
  const config = JSON.stringify(configOf(members, digest));
  const parts: ImageParts = {
    config: { digest: digestOf(Buffer.from(config)), size: Buffer.byteLength(config), text: config },
    layers: [{ digest, size: layer.size, compression: "none" }],
  };
  const manifest: FoundManifest = {
    ...describeManifest(canonicalManifest(parts)),
    platform: platformOf(PLATFORM),
    rebuilt: parts,
  };
  return {
    form: "rootfs",
    roots: [{ digest: manifest.descriptor.digest, names: [], size: layer.size }],
    manifests: new Map([[manifest.descriptor.digest, manifest]]),
    blobs: new Map([[digest, layer]]),
    problems: [],
  };
}

const PLATFORM = { architecture: "amd64", os: "linux" };

/** The config that goes with the files, as far as Concourse has kept it (image-spec, "Image Configuration"). */
function configOf(members: Members, diffId: Digest) {
  const { env, user, entrypoint, cmd } = readFields(members, "metadata.json");
  const labels = stringsOf(readFields(members, "labels.json"));
  const config = {
    ...(typeof user === "string" && user !== "" ? { User: user } : {}),
    ...listOf("Env", env),
    ...listOf("Entrypoint", entrypoint),
    ...listOf("Cmd", cmd),
    ...(labels ? { Labels: labels } : {}),
  };
  return { ...PLATFORM, config, rootfs: { type: "layers", diff_ids: [diffId] } };
}

function listOf(name: string, value: unknown): Record<string, readonly string[]> {
  const texts = elementsOf(value).filter((each) => typeof each === "string");
  return texts.length > 0 ? { [name]: texts } : {};
}

function namesOf(
  members: Members,
  { repository, tag, digest }: Readonly<Record<"repository" | "tag" | "digest", string>>,
): string[] {
  if (repository !== "" && tag !== "") return [`${repository}:${tag}`];
  if (repository !== "") return [`${repository}@${digest}`];
  const { type, version } = readFields(members, "resource_metadata.json");
  return typeof type === "string" && typeof version === "string" ? [`${type}:${version}`] : [];
}

function readFields(members: Members, name: string): Record<string, unknown> {
  const file = members.find(name);
  if (!file) return {};
  const value = parseJson(readSmall(file, JSON_LIMIT, name), name);
  if (!isObject(value)) throw new Unusable(`${name} is not a JSON object`);
  return value;
}
