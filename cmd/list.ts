import { platformsOf, type Repository, sizeOf } from "../registry/store/catalogue.ts";
import { count, formatBytes, formatTable, printable } from "./format.ts";
import { readOnce } from "./open-named-folder.ts";
import type { ListCommand } from "./usage.ts";

/** What `serve` would serve of a folder, and what it would skip and why. */
export async function list({ folder, cache, format }: ListCommand): Promise<string> {
  const { repositories, skipped, warnings } = await readOnce({ folder, cache });
  const rows = [...repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(rowsOf);
  if (format === "json") return `${JSON.stringify({ images: rows, skipped, warnings }, null, 2)}\n`;
  const table = formatTable(
    ["REPOSITORY", "TAG", "PLATFORM", "SIZE", "FORM", "DIGEST"],
    rows.map(({ repository, tag, platforms, size, form, digest }) => [
      repository,
      tag,
      platforms.join(","),
      formatBytes(size),
      form,
      digest,
    ]),
  );
  const lines = skipped.map(({ path, reason }) => `${path}: ${reason}`);
  return [
    table,
    ...section(`Skipped ${count(skipped.length, "entry", "entries")}:`, lines),
    ...section("Warnings:", warnings),
  ].join("\n");
}

const section = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${heading}\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`];

/** One row for each tag; what can only be had by digest has none. */
const rowsOf = ({ name, tags }: Repository) =>
  [...tags].map(([tag, image]) => ({
    repository: name,
    tag,
    platforms: platformsOf(image),
    size: sizeOf(image),
    form: image.archive.form,
    digest: image.manifest.descriptor.digest,
    path: image.archive.path,
  }));
