import { resolve } from "node:path";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { elementsOf, fieldsOf } from "../registry/json.ts";
import { entriesOf } from "../registry/lists.ts";
import { descriptorOf, factsOf, isIndex } from "../registry/manifest.ts";
import { isRealPlatform, platformOf } from "../registry/platform.ts";
import type { Digest, Tag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { orElse, type Soon } from "../registry/soon.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";

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

/** Every tag of a data folder; none when there is no such folder. Whoever has the folder is not disturbed. */
export async function pushedRows(data: string): Promise<PushedRow[]> {
  const { registry } = await openDataStore(resolve(data), { onlyLook: true });
  const rows: PushedRow[] = [];
  for await (const repository of entriesOf(registry.listRepositories())) {
    for await (const tag of entriesOf(registry.listTags(repository))) {
      const row = await unlessRefused(() => rowOf(registry, repository, tag));
      if (row) rows.push(row);
    }
  }
  return rows;
}

async function rowOf(registry: Registry, repository: string, tag: Tag): Promise<PushedRow> {
  const { descriptor, bytes } = await registry.getManifest(repository, tag);
  const manifest = fieldsOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
  const children = elementsOf(manifest["manifests"]).flatMap((child) => descriptorOf(child) ?? []);
  const blobs = [manifest["config"], ...elementsOf(manifest["layers"])].flatMap((blob) => descriptorOf(blob) ?? []);
  const own = blobs[0] ? await platformOfConfig(registry, repository, blobs[0]) : "";
  const platforms = [own, ...children.map(({ platform }) => platform)];
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]));
  const seen = new Set<Digest>();
  for (const { digest } of children) await addSizes(registry, repository, digest, { sizes, seen });
  return {
    repository,
    tag,
    platforms: platforms.filter(isRealPlatform),
    size: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    form: "pushed",
    digest: descriptor.digest,
  };
}

/** The blobs of a child of an index, as far as it is there. */
async function addSizes(
  registry: Registry,
  repository: string,
  digest: Digest,
  found: { readonly sizes: Map<Digest, number>; readonly seen: Set<Digest> },
): Promise<void> {
  if (found.seen.has(digest)) return;
  found.seen.add(digest);
  const child = await unlessRefused(() => registry.getManifest(repository, digest));
  if (!child) return;
  const { descriptor, bytes } = child;
  for (const part of factsOf(descriptor, JSON.parse(Buffer.from(bytes).toString("utf8"))).parts) {
    if (isIndex(descriptor.mediaType)) await addSizes(registry, repository, part.digest, found);
    else found.sizes.set(part.digest, part.size);
  }
}

const CONFIG_LIMIT = 1024 * 1024;

async function platformOfConfig(registry: Registry, repository: string, config: { digest: string; size: number }) {
  const descriptor = descriptorOf({ ...config });
  if (!descriptor || config.size > CONFIG_LIMIT) return "";
  const content = await unlessRefused(() => registry.getBlob(repository, descriptor.digest));
  if (!content) return "";
  try {
    return platformOf(JSON.parse((await readAll(streamOf(content.body))).toString("utf8")));
  } catch {
    // An artifact's config may be anything.
    return "";
  }
}

const unlessRefused = <T>(ask: () => Soon<T>): Soon<T | undefined> =>
  orElse<T | undefined>(ask, (error) => {
    if (!(error instanceof RegistryError)) throw error;
    return undefined;
  });
