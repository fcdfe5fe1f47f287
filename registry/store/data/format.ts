import { dirname, join } from "node:path";
import { codeOf, type Disk } from "./disk.ts";
import type { Layout } from "./layout.ts";

/** Thrown for a folder that is no data folder of this version. The message is for people. */
export class UnknownFormat extends Error {
  override readonly name = "UnknownFormat";
}

const FORMAT = { format: "ociregistry data", version: 1 } as const;
/** What may lie in a folder that is about to become a data folder: what a file system puts into its root. */
const HARMLESS: ReadonlySet<string> = new Set(["lost+found"]);

/**
 * Makes the data folder, or holds that it is one, and takes it with `lock`. Returns whether it is new. Throws
 * UnknownFormat, and what `lock` throws.
 */
export async function prepareFolder(disk: Disk, layout: Layout, lock: () => Promise<void>): Promise<boolean> {
  await makeFolders(disk, layout.root, { isNew: !(await isDataFolder(disk, layout)) });
  for (const folder of [layout.temporary, layout.uploads]) await disk.makeFolder(folder);
  await lock();
  // Asked again: who had the lock until now may have made it.
  const isNew = !(await isDataFolder(disk, layout));
  if (isNew) await writeFormat(disk, layout);
  await disk.syncFolder(layout.root);
  return isNew;
}

/** Holds that a folder can be looked at: it is a data folder of this version, or may become one. Throws UnknownFormat. */
export async function assertReadable(disk: Disk, layout: Layout): Promise<void> {
  await isDataFolder(disk, layout);
}

/** False when it is empty or a start was interrupted. Throws UnknownFormat for anything else. */
async function isDataFolder(disk: Disk, layout: Layout): Promise<boolean> {
  // In this order: whoever makes one writes the format first.
  const names = await disk.list(layout.root);
  const format = await disk.read(layout.format);
  if (format) {
    assertKnown(format, layout.root);
    return true;
  }
  const isOwn = (name: string) => OWN.has(name) || name.startsWith("lock.");
  if (!names.every((name) => isOwn(name) || HARMLESS.has(name) || name.startsWith("."))) {
    throw new UnknownFormat(`${layout.root} holds something else; give an empty or new folder with --data`);
  }
  return false;
}

/** What a start that was interrupted may have left. */
const OWN: ReadonlySet<string> = new Set(["tmp", "uploads", "lock"]);

function assertKnown(bytes: Buffer, root: string): void {
  let version: unknown;
  try {
    ({ version } = JSON.parse(bytes.toString("utf8")) as { version?: unknown });
  } catch {
    version = undefined;
  }
  if (version !== FORMAT.version) {
    throw new UnknownFormat(`${root} was written by another version of ociregistry (format ${String(version)})`);
  }
}

/** Of a folder that is there and was never used it is not known whether whoever made it lived to sync it. */
async function makeFolders(disk: Disk, path: string, { isNew }: { isNew: boolean }): Promise<void> {
  const parent = dirname(path);
  let made: boolean;
  try {
    made = await disk.makeFolder(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || parent === path) throw error;
    await makeFolders(disk, parent, { isNew: true });
    made = await disk.makeFolder(path);
  }
  if (made) await disk.syncFolder(parent);
  // Who gave us the folder need not let us read the one that it lies in.
  else if (isNew) await disk.syncFolder(parent).catch(unlessForbidden);
}

function unlessForbidden(error: unknown): void {
  if (!["EACCES", "EPERM"].includes(codeOf(error))) throw error;
}

async function writeFormat(disk: Disk, layout: Layout): Promise<void> {
  const temporary = join(layout.temporary, "format.json");
  await disk.remove(temporary);
  const file = await disk.create(temporary);
  try {
    await file.write([Buffer.from(`${JSON.stringify(FORMAT)}\n`)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, layout.format);
}
