import { canonicalName } from "../registry/reference.ts";
import { platformsOf, type Repository, sizeOf } from "../registry/store/catalogue.ts";
import { damagedIn } from "./damaged.ts";
import { count, formatBytes, formatTable, printable } from "./format.ts";
import { findingsOf, readOnce } from "./open-named-folder.ts";
import { refusalOf } from "./open-registry.ts";
import { type PushedRow, pushedRows } from "./pushed-rows.ts";
import type { ListCommand } from "./usage.ts";

/** What `serve` would serve of a folder and of what was pushed, what it would skip and why, and what is damaged. */
export async function list({ folder, data, cache, format }: ListCommand): Promise<string> {
  const catalogue = await readOnce({ folder, cache });
  const { repositories, skipped, warnings } = catalogue;
  const dropped = [...repositories.values()].flatMap(rowsOf);
  const pushed = await pushedRows(data).catch((error) => {
    throw refusalOf(data, error, { onlyLook: true });
  });
  const rows = shadowed(dropped, pushed.rows);
  const damaged = [...damagedIn(catalogue, findingsOf({ folder, cache }).current()), ...pushed.damaged];
  if (format === "json") return `${JSON.stringify({ images: rows, skipped, damaged, warnings }, null, 2)}\n`;
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
  const things = damaged.map(
    ({ path, digest, reason, images }) => `${[path, ...images].join(", ")}: ${digest ? `${digest}: ` : ""}${reason}`,
  );
  return [
    table,
    ...section(`Skipped ${count(skipped.length, "entry", "entries")}:`, lines),
    ...section("Damaged:", things),
    ...section("Warnings:", warnings),
  ].join("\n");
}

/** What was pushed shadows what was dropped in. */
function shadowed<T extends { repository: string; tag: string }>(dropped: readonly T[], pushed: readonly PushedRow[]) {
  const keyOf = ({ repository, tag }: { repository: string; tag: string }) => `${canonicalName(repository)}:${tag}`;
  const shadows = new Set(pushed.map(keyOf));
  const rows = [...dropped.filter((row) => !shadows.has(keyOf(row))), ...pushed];
  return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
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
