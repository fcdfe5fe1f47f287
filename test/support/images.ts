import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { canonicalManifest, type ImageParts } from "../../registry/archive/serialisations.ts";
import { type Digest, digestOf, parseTag } from "../../registry/reference.ts";
import type { ManifestContent, Registry } from "../../registry/registry.ts";
import type { Cleanup } from "./cleanup.ts";

/** An image for a test: real bytes, in the forms that the stores want them. */
export interface TestImage {
  readonly repository: string;
  readonly tag: string;
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
  readonly manifest: ManifestContent;
}

/** An image whose layers are the given texts, gzipped. */
export function testImage(repository: string, tag: string, texts: readonly string[]): TestImage {
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Labels: { name: repository } },
      rootfs: { type: "layers", diff_ids: texts.map((text) => digestOf(Buffer.from(text))) },
    }),
  );
  const layers = texts.map((text) => gzipSync(text));
  return { repository, tag, config, layers, manifest: canonicalManifest(partsOf(config, layers)) };
}

const partsOf = (config: Buffer, layers: readonly Buffer[]): ImageParts => ({
  config: { digest: digestOf(config), size: config.length },
  layers: layers.map((layer) => ({ digest: digestOf(layer), size: layer.length, compression: "gzip" })),
});

/** A folder that is removed when the test is over. */
export function temporaryFolder(cleanup: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), "ociregistry-test-"));
  cleanup.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes an image as `crane pull` and `tar -x` leave it, at its place below `root` or in `folder`. */
export function writeExport(root: string, image: TestImage, folder = join(root, image.repository, image.tag)): string {
  mkdirSync(folder, { recursive: true });
  const layerNames = image.layers.map((layer) => `${hexOf(digestOf(layer))}.tar.gz`);
  writeFileSync(join(folder, digestOf(image.config)), image.config);
  for (const [index, layer] of image.layers.entries()) writeFileSync(join(folder, layerNames[index] ?? ""), layer);
  const entry = { Config: digestOf(image.config), RepoTags: [`${image.repository}:${image.tag}`], Layers: layerNames };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify([entry]));
  return folder;
}

/** Pushes an image: blobs, then the manifest with its tag. */
export async function pushImage(registry: Registry, { repository, tag, config, layers, manifest }: TestImage) {
  for (const blob of [config, ...layers]) await pushBlob(registry, repository, blob);
  const { mediaType } = manifest.descriptor;
  await registry.pushManifest(repository, { mediaType, bytes: manifest.bytes }, [parseTag(tag)]);
}

/** Uploads a blob in one piece. */
export async function pushBlob(registry: Registry, repository: string, bytes: Uint8Array): Promise<Digest> {
  const upload = await registry.startUpload(repository);
  const digest = digestOf(bytes);
  await upload.commit(digest, { body: chunksOf(bytes) });
  return digest;
}

export async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export const hexOf = (digest: Digest): string => digest.slice(digest.indexOf(":") + 1);
