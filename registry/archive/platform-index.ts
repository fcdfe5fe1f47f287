import { isIndex } from "../manifest.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { type Digest, digestOf } from "../reference.ts";
import type { ArchiveContent, FoundManifest } from "./content.ts";
import { describeManifest } from "./manifests.ts";
import { sizeOfImage } from "./size.ts";
import { Unusable } from "./unusable.ts";

/** `linux-amd64`, `linux-arm-v7`, `windows-amd64.tar`: how the platforms of one image lie beside each other. */
const PLATFORM_NAME =
  /^(aix|darwin|freebsd|linux|netbsd|openbsd|solaris|wasip1|windows)-(386|amd64|arm|arm64|loong64|mips64le|ppc64le|riscv64|s390x|wasm)(-v\d+)?(\.tar(\.gz|\.zst)?)?$/;

export const isPlatformName = (name: string): boolean => PLATFORM_NAME.test(name);

/**
 * One image of several platforms out of the archives of each, by name (`linux-arm-v7`). The index is written in one fixed
 * way, so its digest is the same from run to run and from machine to machine. Throws Unusable when an archive holds not
 * exactly one image.
 */
export function combinePlatforms(
  archives: readonly { readonly name: string; readonly content: ArchiveContent }[],
): ArchiveContent {
  const images = archives.map(({ name, content }) => ({ name, image: onlyImage(name, content) }));
  const docker = images.every(({ image }) => image.descriptor.mediaType === MEDIA_TYPES.dockerManifest);
  const mediaType = docker ? MEDIA_TYPES.dockerList : MEDIA_TYPES.ociIndex;
  const manifests = images.map(({ name, image }) => {
    const { mediaType: type, digest, size } = image.descriptor;
    return { mediaType: type, digest, size, platform: platformIn(name) };
  });
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const index: FoundManifest = { ...describeManifest({ descriptor, bytes }), platform: "" };
  const all = new Map<Digest, FoundManifest>([
    ...archives.flatMap(({ content }) => [...content.manifests]),
    [descriptor.digest, index],
  ]);
  const blobs = new Map(archives.flatMap(({ content }) => [...content.blobs]));
  return {
    form: `${images.length} platforms`,
    roots: [{ digest: descriptor.digest, names: [], size: sizeOfImage(descriptor.digest, { manifests: all, blobs }) }],
    manifests: all,
    blobs,
    problems: archives.flatMap(({ name, content }) => content.problems.map((problem) => `${name}: ${problem}`)),
  };
}

function onlyImage(name: string, { roots, manifests }: ArchiveContent): FoundManifest {
  const [root, ...others] = roots;
  const image = root && manifests.get(root.digest);
  if (!image || others.length > 0 || isIndex(image.descriptor.mediaType)) {
    throw new Unusable(`${name} holds not exactly one image; put the archive of one platform there`);
  }
  return image;
}

function platformIn(name: string) {
  const [, os = "", architecture = "", variant] = PLATFORM_NAME.exec(name) ?? [];
  return { architecture, os, ...(variant === undefined ? {} : { variant: variant.slice(1) }) };
}
