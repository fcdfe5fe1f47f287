import { resolve } from "node:path";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { elementsOf, fieldsOf } from "../registry/json.ts";
import { entriesOf } from "../registry/lists.ts";
import { descriptorOf, factsOf, isIndex, type PartDescriptor } from "../registry/manifest.ts";
import { isForeign } from "../registry/parts.ts";
import { isRealPlatform, platformOf } from "../registry/platform.ts";
import type { Digest, Tag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { orElse, type Soon } from "../registry/soon.ts";
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
  const { registry } = await openDataStore(resolve(data), { onlyLook: true });
  const rows: PushedRow[] = [];
  const damaged: Damaged[] = [];
  for await (const repository of entriesOf(registry.listRepositories())) {
    for await (const tag of entriesOf(registry.listTags(repository))) {
      const image = `${repository}:${tag}`;
      try {
        const { row, blobs } = await rowOf(registry, repository, tag);
        rows.push(row);
        for (const digest of await unreadable(registry, repository, blobs)) {
          damaged.push({ path: data, digest, reason: LOST, images: [image] });
        }
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        // What was deleted meanwhile is not damaged.
        if (error.damaged) damaged.push({ path: data, reason: error.detail ?? LOST, images: [image] });
      }
    }
  }
  return { rows, damaged };
}

const LOST = "its bytes are missing, or not all of them are there; push it again";

/** Of these blobs, those that the repository has not, or has not whole. Layers that live elsewhere need not be here. */
async function unreadable(registry: Registry, repository: string, blobs: readonly PartDescriptor[]): Promise<Digest[]> {
  const lost: Digest[] = [];
  for (const blob of blobs) {
    if (!isForeign(blob) && !(await unlessRefused(() => registry.statBlob(repository, blob.digest)))) {
      lost.push(blob.digest);
    }
  }
  return lost;
}

/** The row of a tag, and the blobs of all that it leads to. */
async function rowOf(
  registry: Registry,
  repository: string,
  tag: Tag,
): Promise<{ row: PushedRow; blobs: readonly PartDescriptor[] }> {
  const { descriptor, bytes } = await registry.getManifest(repository, tag);
  const manifest = fieldsOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
  const children = elementsOf(manifest["manifests"]).flatMap((child) => descriptorOf(child) ?? []);
  const blobs = [manifest["config"], ...elementsOf(manifest["layers"])].flatMap((blob) => descriptorOf(blob) ?? []);
  const own = blobs[0] ? await platformOfConfig(registry, repository, blobs[0]) : "";
  const platforms = [own, ...children.map(({ platform }) => platform)];
  const all = new Map(blobs.map((blob) => [blob.digest, blob]));
  const seen = new Set<Digest>();
  for (const { digest } of children) await addBlobs(registry, repository, digest, { all, seen });
  const row = {
    repository,
    tag,
    platforms: platforms.filter(isRealPlatform),
    size: [...all.values()].reduce((sum, { size }) => sum + size, 0),
    form: "pushed",
    digest: descriptor.digest,
  } as const;
  return { row, blobs: [...all.values()] };
}

/** The blobs of a child of an index, as far as it is there. */
async function addBlobs(
  registry: Registry,
  repository: string,
  digest: Digest,
  found: { readonly all: Map<Digest, PartDescriptor>; readonly seen: Set<Digest> },
): Promise<void> {
  if (found.seen.has(digest)) return;
  found.seen.add(digest);
  const child = await unlessRefused(() => registry.getManifest(repository, digest));
  if (!child) return;
  const { descriptor, bytes } = child;
  for (const part of factsOf(descriptor, JSON.parse(Buffer.from(bytes).toString("utf8"))).parts) {
    if (isIndex(descriptor.mediaType)) await addBlobs(registry, repository, part.digest, found);
    else found.all.set(part.digest, part);
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
