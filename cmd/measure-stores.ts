import type { Metrics } from "../api/metrics.ts";
import { seriesOf } from "../api/metrics-text.ts";
import type { Catalogue } from "../registry/store/catalogue.ts";
import type { DataStore } from "../registry/store/data/data-store.ts";
import type { LiveFolder } from "../registry/store/live-folder.ts";
import { version } from "./version.ts";

/** Lets the metrics tell what is served. */
export function measureStores(
  metrics: Metrics,
  live: Pick<LiveFolder, "current">,
  data: Pick<DataStore, "uploads">,
): void {
  let counted: { readonly catalogue: Catalogue; readonly images: number } | undefined;
  /** Of ten thousand repositories that is not asked anew for each who looks. */
  const imagesIn = (catalogue: Catalogue): number => {
    if (counted?.catalogue !== catalogue) counted = { catalogue, images: countImages(catalogue) };
    return counted.images;
  };
  metrics.add(() => ({
    [seriesOf("ociregistry_build_info", { version, node: process.version })]: 1,
    ociregistry_folder_repositories: live.current.repositories.size,
    ociregistry_folder_images: imagesIn(live.current),
    ociregistry_folder_skipped: live.current.skipped.length,
    ociregistry_uploads: data.uploads,
  }));
}

/** Collects as `collect` does, and counts what was collected. */
export function countCollections(metrics: Metrics, collect: DataStore["collect"]): DataStore["collect"] {
  let collections = 0;
  let blobs = 0;
  let bytes = 0;
  metrics.add(() => ({
    ociregistry_collections_total: collections,
    ociregistry_collected_blobs_total: blobs,
    ociregistry_collected_bytes_total: bytes,
  }));
  return async (options) => {
    const collection = await collect(options);
    if (options.dryRun) return collection;
    collections++;
    blobs += collection.trashed;
    bytes += collection.bytes;
    return collection;
  };
}

const countImages = ({ repositories }: Catalogue): number =>
  [...repositories.values()].reduce((sum, { tags }) => sum + tags.size, 0);
