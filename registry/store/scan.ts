import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkResource, isFetched, isResource } from "../archive/concourse.ts";
import type { ArchiveContent } from "../archive/content.ts";
import { type FileRange, resolveInside, unreadable } from "../archive/files.ts";
import { combinePlatforms, isPlatformName } from "../archive/platform-index.ts";
import { MARKERS } from "../archive/read-archive.ts";
import { Unusable } from "../archive/unusable.ts";
import { quote } from "../reference.ts";
import { archiveReader, type ReaderOptions, type SeenArchive, type Unhashed } from "./archive-reader.ts";
import { folderName, illegalNames, type NamedRoot, namesInFolder, namesOfFile, namesOfResource } from "./naming.ts";
import { applySidecars, type FindSidecar, isSidecar } from "./sidecars.ts";
import type { SeenFile } from "./unpack-cache.ts";

/** What a folder of archives holds at one moment. */
export interface Scan {
  /** In the order of their paths. */
  readonly archives: readonly ScannedArchive[];
  readonly skipped: readonly Skipped[];
  /** Compressed tars that have to be unpacked before they can be served. */
  readonly toUnpack: readonly SeenFile[];
  /** Members of archives that have to be hashed before those can be served. */
  readonly toHash: readonly Unhashed[];
  /** The folders that were visited: what to watch. */
  readonly folders: readonly string[];
  /** The real paths of the archives that were met, good and bad. */
  readonly sources: ReadonlySet<string>;
  /** By path, what has to wait because it was written to just now, and its identity. */
  readonly unsettled: ReadonlyMap<string, string>;
}

/** An archive that is served, and under which names. */
export interface ScannedArchive extends ArchiveContent {
  /** Below the scanned folder. */
  readonly path: string;
  /** When it was last changed, in ms. */
  readonly modified: number;
  readonly named: readonly NamedRoot[];
}

/** Something that is not served. */
export interface Skipped {
  /** Below the scanned folder. */
  readonly path: string;
  /** What is wrong and what to do. */
  readonly reason: string;
}

/** Deeper than any repository name can be. */
const DEPTH_LIMIT = 128;
/** Links to folders that hold links multiply; nobody needs as many names for one folder. */
const VISIT_LIMIT = 16;

/** A folder on the way down. */
interface Place {
  /** Its path below the scanned folder. */
  readonly segments: readonly string[];
  /** Its real path, and those of the folders that it lies in. */
  readonly real: string;
  readonly above: readonly string[];
  /** What is in it, sorted by name; what begins with a dot is nobody's business (rsync writes under such names). */
  readonly entries: ReadonlyMap<string, Dirent>;
}

/**
 * Reads a folder, at any depth, in one synchronous pass: four times as fast that way, and what has not changed is not read
 * again. Archives are told by what is in them: folders that hold an export, and tars. A broken one is reported in
 * `skipped` and never hides a good one. Throws only when the folder itself cannot be read.
 */
export function scan(folder: string, options: ReaderOptions = {}): Scan {
  const root = realpathSync(folder);
  const reader = archiveReader(options);
  const archives: ScannedArchive[] = [];
  const skipped: Skipped[] = [];
  const folders: string[] = [];
  const visits = new Map<string, number>();

  const attempt = (segments: readonly string[], read: () => void): void => {
    try {
      read();
    } catch (error) {
      const reason = error instanceof Unusable ? error : isSystemError(error) ? unreadable(error, "it") : undefined;
      if (!reason) throw error;
      skipped.push({ path: segments.join("/") || ".", reason: reason.message });
    }
  };

  const visit = (place: Place): void => {
    const { segments, entries } = place;
    folders.push(place.real);
    const names = [...entries.keys()];
    if (isExport(names) || isFetched(names)) {
      throw new Unusable("the export lies too high: move it to <repository>/<tag>/ below the folder");
    }
    if (names.length === 0 && segments.length > 0) throw new Unusable("the folder is empty");
    const archiveNames = names.filter((name) => !isSidecar(name));
    for (const name of archiveNames) {
      attempt([...segments, name], () => enter(place, name, archiveNames.length));
    }
  };

  const enter = (place: Place, name: string, siblings: number): void => {
    const segments = [...place.segments, name];
    const child = resolveEntry(root, place, name);
    const stats = statSync(child);
    const beside: FindSidecar = (ending) => sidecarOf(root, place, `${name}${ending}`);
    if (stats.isFile()) {
      add(segments, reader.readFile(child, stats, name), beside, (content) => namesOfFile(content, segments, siblings));
      return;
    }
    if (!stats.isDirectory()) throw new Unusable("it is neither a folder nor an ordinary file");
    const above = [...place.above, place.real];
    if (above.includes(child)) throw new Unusable("it is a link to a folder that holds it");
    if (above.length > DEPTH_LIMIT) throw new Unusable("it lies too deep");
    const times = (visits.get(child) ?? 0) + 1;
    visits.set(child, times);
    if (times > VISIT_LIMIT) throw new Unusable("too many links lead to it");
    const inside: Place = { segments, real: child, above, entries: visibleEntries(child) };
    const names = [...inside.entries.keys()];
    if (isExport(names)) {
      folders.push(child);
      folderName(segments);
      add(segments, reader.readFolder(root, child), beside, (content) => namesInFolder(content, segments));
    } else if (isResource(names)) {
      folders.push(child);
      checkResource(names);
      add(segments, reader.readResource(root, child), beside, (content) => namesOfResource(content, segments));
    } else if (segments.length > 1 && names.length > 0 && names.every((each) => isPlatform(root, inside, each))) {
      folders.push(child);
      add(segments, readPlatforms(inside), beside, (content) => namesInFolder(content, segments));
    } else {
      visit(inside);
    }
  };

  const readPlatforms = (place: Place): SeenArchive => {
    const seen = [...place.entries.keys()].map((name) => {
      const child = resolveEntry(root, place, name);
      const stats = statSync(child);
      return { name, ...(stats.isFile() ? reader.readFile(child, stats, name) : reader.readFolder(root, child)) };
    });
    return { content: combinePlatforms(seen), modified: Math.max(...seen.map(({ modified }) => modified)) };
  };

  const add = (
    segments: readonly string[],
    seen: SeenArchive,
    beside: FindSidecar,
    namesOf: (content: ArchiveContent) => NamedRoot[],
  ): void => {
    const content = applySidecars(seen.content, beside);
    const path = segments.join("/");
    archives.push({ ...content, path, modified: seen.modified, named: namesOf(content) });
    const reasons = [...content.problems, ...illegalNames(content).map((name) => `${quote(name)} is not a legal name`)];
    for (const reason of reasons) skipped.push({ path, reason });
  };

  // That the folder can be read is not to be taken for an entry that cannot.
  readdirSync(root);
  attempt([], () => visit({ segments: [], real: root, above: [], entries: visibleEntries(root) }));
  const { toUnpack, toHash, sources, unsettled } = reader;
  return { archives, skipped, toUnpack, toHash, folders: [...folders, ...reader.folders], sources, unsettled };
}

/** Files come, go and break while they are looked at. */
const isSystemError = (error: unknown): boolean => error instanceof Error && "syscall" in error;

const isExport = (names: readonly string[]): boolean => names.some((name) => MARKERS.includes(name));

/** Whether an entry is the archive of one platform, and not a repository that is called so. */
function isPlatform(root: string, place: Place, name: string): boolean {
  if (!isPlatformName(name)) return false;
  const path = resolveEntry(root, place, name);
  return !statSync(path).isDirectory() || isExport([...visibleEntries(path).keys()]);
}

/** The real path of an entry. Only of a link it takes a look at the disk. */
function resolveEntry(root: string, { real, entries }: Place, name: string): string {
  const path = join(real, name);
  return entries.get(name)?.isSymbolicLink() ? resolveInside(root, path, name) : path;
}

function sidecarOf(root: string, place: Place, name: string): FileRange | undefined {
  if (!place.entries.has(name)) return undefined;
  const path = resolveEntry(root, place, name);
  const stats = statSync(path);
  return stats.isFile() ? { path, offset: 0, size: stats.size } : undefined;
}

function visibleEntries(folder: string): Map<string, Dirent> {
  const visible = entriesOf(folder).filter(({ name }) => !name.startsWith("."));
  return new Map(visible.sort((a, b) => (a.name < b.name ? -1 : 1)).map((entry) => [entry.name, entry]));
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(error, "the folder");
  }
}
