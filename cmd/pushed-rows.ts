import { resolve } from "node:path";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { elementsOf, fieldsOf } from "../registry/json.ts";
import { entriesOf } from "../registry/lists.ts";
import { descriptorOf, factsOf, isIndex, type ManifestFacts } from "../registry/manifest.ts";
import { isRealPlatform, platformOf } from "../registry/platform.ts";
import type { Digest, Tag } from "../registry/reference.ts";
import type { Descriptor, Registry } from "../registry/registry.ts";
import { orElse, type Soon } from "../registry/soon.ts";
import { checkRepository } from "../registry/store/data/check.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import type { Damaged } from "./damaged.ts";

/** A tag that was pushed, as `list` shows it. */
export interface PushedRow {
  readonly repository: string;
  readonly tag: Tag;
  readonly platforms: readonly string[];
  /** Bytes of its parts, each counted once. */
  readonly size: number;
  readonly form: "pushed";
  readonly digest: string;
}

/** What a data folder has for a list. */
export interface Pushed {
  readonly rows: readonly PushedRow[];
  /** What cannot be pulled although it is listed, as far as that shows without reading every blob. */
  readonly damaged: readonly Damaged[];
}

/** Every tag of a data folder; none when there is no such folder. Whoever has the folder is not disturbed. */
export async function pushedRows(data: string): Promise<Pushed> {
  const root = resolve(data);
  const { registry } = await openDataStore(root, { onlyLook: true });
  const rows: PushedRow[] = [];
  const damaged: Damaged[] = [];
  for await (const repository of entriesOf(registry.listRepositories())) {
    /** The images that each manifest and blob is needed for. */
    const needed = new Map<Digest, string[]>();
    for await (const tag of entriesOf(registry.listTags(repository))) {
      const image = `${repository}:${tag}`;
      try {
        const { row, parts } = await rowOf(registry, repository, tag);
        rows.push(row);
        for (const digest of parts) {
          const images = needed.get(digest);
          if (images) images.push(image);
          else needed.set(digest, [image]);
        }
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        // What was deleted meanwhile is not damaged.
        if (error.damaged) damaged.push({ path: data, reason: error.detail ?? error.message, images: [image] });
      }
    }
    for await (const { digest, problem } of checkRepository(root, repository)) {
      const images = digest && needed.get(digest);
      if (problem !== undefined && images) damaged.push({ path: data, digest, reason: problem, images });
    }
  }
  return { rows, damaged };
}

/** The row of a tag, and the digests of all that it leads to. */
async function rowOf(
  registry: Registry,
  repository: string,
  tag: Tag,
): Promise<{ row: PushedRow; parts: Iterable<Digest> }> {
  const { descriptor, bytes } = await registry.getManifest(repository, tag);
  const json = parse(bytes);
  const { manifests: listed, config: described } = fieldsOf(json);
  const children = elementsOf(listed).flatMap((child) => descriptorOf(child) ?? []);
  const config = descriptorOf(described);
  const own = config ? await platformOfConfig(registry, repository, config) : "";
  const platforms = [own, ...children.map(({ platform }) => platform)];
  const sizes = new Map<Digest, number>();
  const manifests = new Set([descriptor.digest]);
  await addParts(registry, repository, factsOf(descriptor, json), { sizes, manifests });
  const row = {
    repository,
    tag,
    platforms: platforms.filter(isRealPlatform),
    size: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    form: "pushed",
    digest: descriptor.digest,
  } as const;
  return { row, parts: [...manifests, ...sizes.keys()] };
}

/** The manifests that one leads to, also those that are not there, and the blobs of those that are. */
async function addParts(
  registry: Registry,
  repository: string,
  { parts, referrer: { mediaType } }: ManifestFacts,
  found: { readonly sizes: Map<Digest, number>; readonly manifests: Set<Digest> },
): Promise<void> {
  for (const { digest, size } of parts) {
    if (!isIndex(mediaType)) found.sizes.set(digest, size);
    else if (!found.manifests.has(digest)) {
      found.manifests.add(digest);
      const child = await unlessRefused(() => registry.getManifest(repository, digest));
      if (child) await addParts(registry, repository, factsOf(child.descriptor, parse(child.bytes)), found);
    }
  }
}

const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString("utf8"));

const CONFIG_LIMIT = 1024 * 1024;

async function platformOfConfig(registry: Registry, repository: string, { digest, size }: Descriptor) {
  if (size > CONFIG_LIMIT) return "";
  const content = await unlessRefused(() => registry.getBlob(repository, digest));
  if (!content) return "";
  try {
    return platformOf(JSON.parse((await readAll(streamOf(content.body))).toString("utf8")));
  } catch {
    // An artifact's config may be anything.
    return "";
  }
}

const unlessRefused = <T>(ask: () => Soon<T>): Soon<T | undefined> =>
  orElse(ask, (error) => {
    if (!(error instanceof RegistryError)) throw error;
    return undefined;
  });
