import { sizeOf } from "../registry/archive/image.ts";
import { canonicalManifest } from "../registry/archive/serialisations.ts";
import type { ScannedImage } from "../registry/store/scan.ts";
import { count, formatBytes, formatTable } from "./format.ts";
import { scanFolder } from "./scan-folder.ts";
import type { ListCommand } from "./usage.ts";

/** What `serve` would serve of a folder, and what it would skip and why. */
export function list({ folder, format }: ListCommand): string {
  const { images, skipped } = scanFolder(folder);
  const rows = images.map(rowOf);
  if (format === "json") return `${JSON.stringify({ images: rows, skipped }, null, 2)}\n`;
  const table = formatTable(
    ["REPOSITORY", "TAG", "PLATFORM", "SIZE", "FORM", "DIGEST"],
    rows.map((row) => [row.repository, row.tag, row.platform, formatBytes(row.size), row.form, row.digest]),
  );
  const reasons = skipped.map(({ path, reason }) => `  ${path}: ${reason}\n`).join("");
  return skipped.length === 0 ? table : `${table}\nSkipped ${count(skipped.length, "entry", "entries")}:\n${reasons}`;
}

const rowOf = (image: ScannedImage) => ({
  repository: image.repository,
  tag: image.tag,
  platform: image.platform,
  size: sizeOf(image),
  form: image.form,
  digest: canonicalManifest(image.parts).descriptor.digest,
  path: image.path,
});
