import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTag } from "../../registry/reference.ts";
import { openDataStore } from "../../registry/store/data/data-store.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const EMPTY = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }));

/** A repository with very many tags. */
export const TAGGED = "bench/tagged";

/** The n-th of very many repositories. */
const repositoryOf = (index: number): string => `bench/repository-${String(index).padStart(6, "0")}`;

const tagOf = (index: number): string => `tag-${String(index).padStart(6, "0")}`;

/** Fills the data folder `data` in `folder`: so many repositories with a manifest each, and one with so many tags. */
export async function fillDataFolder(folder: string, repositories: number, tags: number): Promise<void> {
  const root = join(folder, "data");
  const { registry, close } = await openDataStore(root, { sync: false });
  const pushed = { mediaType: INDEX, bytes: EMPTY };
  await registry.pushManifest(repositoryOf(0), pushed);
  for (let index = 0; index < tags; index++) await registry.pushManifest(TAGGED, pushed, [parseTag(tagOf(index))]);
  await close();
  const all = join(root, "repositories");
  const first = join(all, repositoryOf(0).replaceAll("/", "+"));
  for (let index = 1; index < repositories; index++)
    copyFolder(first, join(all, repositoryOf(index).replaceAll("/", "+")));
}

/** The same for distribution: its lists are made of names of folders and files. */
export function fillDistribution(folder: string, repositories: number, tags: number): void {
  const all = join(folder, "data/docker/registry/v2/repositories");
  const link = `sha256:${"0".repeat(64)}`;
  for (let index = 0; index < repositories; index++) {
    mkdirSync(join(all, repositoryOf(index), "_layers"), { recursive: true });
    mkdirSync(join(all, repositoryOf(index), "_manifests"), { recursive: true });
  }
  for (let index = 0; index < tags; index++) {
    const current = join(all, TAGGED, "_manifests/tags", tagOf(index), "current");
    mkdirSync(current, { recursive: true });
    writeFileSync(join(current, "link"), link);
  }
}

/** Faster than cpSync with its many questions, for a hundred thousand folders of three entries. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else cpSync(source, target);
  }
}
