import { elementsOf, fieldsOf } from "../json.ts";
import { descriptorOf, isIndex, type PartDescriptor } from "../manifest.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { platformOf } from "../platform.ts";
import { algorithmOf, type Digest, digestOf } from "../reference.ts";
import type { ArchiveContent, FoundManifest, Root } from "./content.ts";
import { type FileRange, readSmall } from "./files.ts";
import { JSON_LIMIT, parseJson } from "./json.ts";
import { describeManifest } from "./manifests.ts";
import type { Members } from "./members.ts";
import { sizeOfImage } from "./size.ts";
import { Passing, readEach, tryEach, Unusable } from "./unusable.ts";

/** Deeper than any tool nests indexes; a loop ends here too. */
const DEPTH_LIMIT = 8;
const MANIFEST_COUNT_LIMIT = 10_000;

/** Where the blobs of an archive lie, by digest: the one thing in which the forms with original manifests differ. */
export type FindBlob = (digest: Digest) => FileRange | undefined;

/** Finds blobs where an OCI image layout has them. */
export function blobsOfLayout(members: Members): FindBlob {
  return (digest) => members.find(`blobs/${digest.replace(":", "/")}`);
}

/**
 * Reads an OCI image layout (image-spec "Image Layout"): exports of docker with the containerd store, containerd, BuildKit,
 * podman and skopeo as OCI, oras, regctl, umoci, `crane pull --format=oci`. Manifests are in it and are served as they
 * are. Throws Unusable with the reason.
 */
export function readOciLayout(members: Members, index: unknown): ArchiveContent {
  checkVersion(members);
  const findBlob = blobsOfLayout(members);
  const manifests = new Map<Digest, FoundManifest>();
  const blobs = new Map<Digest, FileRange>();
  const named = new Map<Digest, string[]>();
  const { read, problems } = readEach(elementsOf(fieldsOf(index)["manifests"]), (top) => {
    const descriptor = descriptorOf(top);
    if (!descriptor) throw new Unusable("index.json has a malformed descriptor");
    const gaps = readTree(findBlob, descriptor, manifests, blobs);
    // Pulling an image again appends it again (crane).
    named.set(descriptor.digest, [...(named.get(descriptor.digest) ?? []), ...namesOf(descriptor.annotations)]);
    return gaps;
  });
  const roots = [...named].map(([digest, names]): Root => {
    return { digest, names: [...new Set(names)], size: sizeOfImage(digest, { manifests, blobs }) };
  });
  return { form: "OCI layout", roots, manifests, blobs, problems: [...problems, ...read.flat()] };
}

/**
 * Reads an archive with one manifest at its top, which lies in a file of its own: `bytes` is what is in it. Throws Unusable
 * with the reason.
 */
export function readTop(file: FileRange, bytes: Uint8Array, findBlob: FindBlob): Omit<ArchiveContent, "form"> {
  const digest = digestOf(bytes);
  const { mediaType, manifests: children } = fieldsOf(parseJson(bytes, "the manifest"));
  const guessed = children === undefined ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.ociIndex;
  const manifests = new Map<Digest, FoundManifest>();
  const blobs = new Map<Digest, FileRange>();
  const problems = readTree(
    (wanted) => (wanted === digest ? file : findBlob(wanted)),
    { digest, mediaType: typeof mediaType === "string" ? mediaType : guessed, size: bytes.length, platform: "" },
    manifests,
    blobs,
  );
  const size = sizeOfImage(digest, { manifests, blobs });
  return { roots: [{ digest, names: [], size }], manifests, blobs, problems };
}

/** The marker file may be missing, but one that says another version is another format. */
function checkVersion(members: Members): void {
  const file = members.find("oci-layout");
  if (!file) return;
  const { imageLayoutVersion: version } = fieldsOf(parseJson(readSmall(file, JSON_LIMIT, "oci-layout"), "oci-layout"));
  if (typeof version !== "string" || !version.startsWith("1.")) {
    throw new Unusable(`oci-layout says version ${JSON.stringify(version)}; only 1.x can be read`);
  }
}

/**
 * Reads a manifest and all that it is made of, into `manifests` and `blobs`. An index may name what is absent, as in an
 * export of one platform; a child that is there and broken or incomplete is said in what is returned. Throws Unusable when
 * it is the top itself that is broken, or of an image anything but foreign layers is absent.
 */
function readTree(
  findBlob: FindBlob,
  top: Pick<PartDescriptor, "digest" | "mediaType" | "size" | "platform">,
  manifests: Map<Digest, FoundManifest>,
  blobs: Map<Digest, FileRange>,
  depth = 0,
): readonly string[] {
  if (manifests.has(top.digest)) return [];
  if (depth > DEPTH_LIMIT) throw new Unusable("its indexes are nested too deep");
  if (manifests.size > MANIFEST_COUNT_LIMIT) throw new Unusable(`it has more than ${MANIFEST_COUNT_LIMIT} manifests`);
  const manifest = readManifest(findBlob, top);
  if (isIndex(manifest.descriptor.mediaType)) {
    manifests.set(top.digest, { ...manifest, platform: "" });
    const present = manifest.parts.filter(({ digest }) => findBlob(digest));
    const { read, problems } = tryEach(present, (child) => readTree(findBlob, child, manifests, blobs, depth + 1));
    return [...problems, ...read.flat()];
  }
  const { read, problems } = tryEach(manifest.parts, (part) => filesOf(findBlob, part));
  const [first] = problems;
  if (first !== undefined && depth === 0) throw new Unusable(first);
  for (const [digest, file] of read.flat()) blobs.set(digest, file);
  const platform = top.platform || platformOfImage(manifest.parts[0]?.digest, blobs);
  manifests.set(top.digest, { ...manifest, platform });
  return problems;
}

function filesOf(findBlob: FindBlob, { digest, size, urls }: PartDescriptor): [Digest, FileRange][] {
  const file = findBlob(digest);
  if (!file && urls === undefined) throw missing(digest);
  if (!file) return [];
  if (file.size !== size) throw wrongSize(digest, file.size, size);
  if (!/^sha(256|512):/.test(digest))
    throw new Unusable(`${digest} cannot be checked here; only sha256 and sha512 can`);
  return [[digest, file]];
}

function readManifest(
  findBlob: FindBlob,
  { digest, mediaType, size }: Pick<PartDescriptor, "digest" | "mediaType" | "size">,
) {
  const file = findBlob(digest);
  if (!file) throw missing(digest);
  if (file.size !== size) throw wrongSize(digest, file.size, size);
  const bytes = readSmall(file, JSON_LIMIT, `the manifest ${digest}`);
  const algorithm = algorithmOf(digest) === "sha512" ? "sha512" : "sha256";
  if (digestOf(bytes, algorithm) !== digest) throw new Unusable(`the manifest ${digest} does not match its digest`);
  const said = fieldsOf(parseJson(bytes, `the manifest ${digest}`))["mediaType"];
  const actual = typeof said === "string" && said !== "" ? said : mediaType;
  // It becomes a header.
  if (!/^[\x20-\x7e]*$/.test(actual)) throw new Unusable(`the manifest ${digest} has no legal media type`);
  return describeManifest({ descriptor: { mediaType: actual, digest, size }, bytes });
}

const wrongSize = (digest: Digest, actual: number, said: number): Unusable =>
  new Unusable(`${digest} has ${actual} bytes, and what refers to it says ${said}`);

/** docker with the containerd store exports without an error what it has only in part. */
const missing = (digest: Digest): Unusable =>
  new Unusable(
    `${digest} is not in the archive; pull the image again (docker: "docker pull", then save) and export it again`,
  );

function platformOfImage(config: Digest | undefined, blobs: ReadonlyMap<Digest, FileRange>): string {
  const file = config && blobs.get(config);
  if (!file || file.size > JSON_LIMIT) return "";
  try {
    return platformOf(parseJson(readSmall(file, JSON_LIMIT, "the config"), "the config"));
  } catch (error) {
    if (error instanceof Passing) throw error;
    // The config of an artifact can be anything.
    return "";
  }
}

/**
 * Full names come from containerd and docker; `ref.name` is a full name or only a tag, depending on the tool. Zarf's seed
 * images have their name where others have that of their base, so it counts only when nothing else names the image.
 */
function namesOf(annotations: Readonly<Record<string, string>> | undefined): string[] {
  const full = annotations?.["io.containerd.image.name"];
  const short = annotations?.["org.opencontainers.image.ref.name"];
  const seed = annotations?.["org.opencontainers.image.base.name"];
  const name = full ?? short ?? (seed || undefined);
  return name === undefined ? [] : [name];
}
