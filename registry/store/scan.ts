import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { sniffCompression } from "../archive/compression.ts";
import type { ArchiveContent } from "../archive/content.ts";
import { type FileRange, readHead, resolveInside, unreadable } from "../archive/files.ts";
import { folderMembers, type Members, tarMembers } from "../archive/members.ts";
import { type ImageName, isOnlyTag, nameOfFolder, nameOfPath, parseCarriedName } from "../archive/names.ts";
import { MARKERS, readArchive } from "../archive/read-archive.ts";
import { isTar } from "../archive/tar.ts";
import { Unusable } from "../archive/unusable.ts";
import { type Digest, isName, quote } from "../reference.ts";
import type { SeenFile, UnpackCache } from "./unpack-cache.ts";

/** What a folder of archives holds at one moment. */
export interface Scan {
  /** In the order of their paths. */
  readonly archives: readonly ScannedArchive[];
  readonly skipped: readonly Skipped[];
  /** Compressed tars that have to be unpacked before they can be served. */
  readonly toUnpack: readonly SeenFile[];
  /** The folders that were visited: what to watch. */
  readonly folders: readonly string[];
  /** The real paths of the archives that were met, good and bad. */
  readonly sources: ReadonlySet<string>;
  /** Whether something was left out because it was written to just now. */
  readonly unsettled: boolean;
}

export interface ScanOptions {
  /** Where compressed tars lie unpacked; without it they are skipped. */
  readonly cache?: Pick<UnpackCache, "find">;
  /** Why compressed tars could not be unpacked, by `keyOf`. */
  readonly failures?: ReadonlyMap<string, string>;
  /** What earlier scans read; what has not changed since is not read again. */
  readonly memory?: ScanMemory;
  /** What was written to after this time (ms) is left out for now, unless it has been accepted (`keyOf`) already. */
  readonly settledBefore?: number;
  readonly accepted?: ReadonlySet<string>;
}

/** By path: what was read there, and in which state. */
export type ScanMemory = Map<string, { readonly identity: string; readonly content: ArchiveContent | Unusable }>;

/** An archive that is served, and under which names. */
export interface ScannedArchive extends ArchiveContent {
  /** Below the scanned folder. */
  readonly path: string;
  /** When it was last changed, in ms. */
  readonly modified: number;
  readonly named: readonly NamedRoot[];
}

export interface NamedRoot {
  readonly name: ImageName;
  readonly digest: Digest;
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

/**
 * Reads a folder, at any depth, in one synchronous pass: nobody is being served yet, and it is four times as fast that
 * way. Archives are told by what is in them: folders that hold an export, and tars. A broken one is reported in `skipped`
 * and never hides a good one. Throws only when the folder itself cannot be read.
 */
export function scan(folder: string, { cache, failures, memory, settledBefore, accepted }: ScanOptions = {}): Scan {
  const root = realpathSync(folder);
  const archives: ScannedArchive[] = [];
  const skipped: Skipped[] = [];
  const toUnpack: SeenFile[] = [];
  const folders: string[] = [];
  const sources = new Set<string>();
  let unsettled = false;

  const attempt = (path: string, read: () => void): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      skipped.push({ path, reason: error.message });
    }
  };

  const visit = (segments: readonly string[], real: string, above: readonly string[]): void => {
    const entries = segments.length === 0 ? readdirSync(real, { withFileTypes: true }) : entriesOf(real);
    folders.push(real);
    const visible = entries.filter(({ name }) => !name.startsWith(".")).sort(byName);
    if (visible.some(({ name }) => MARKERS.includes(name))) {
      addFolder(segments, real);
      return;
    }
    if (visible.length === 0 && segments.length > 0) throw new Unusable("the folder is empty");
    for (const { name } of visible) {
      const inner = [...segments, name];
      attempt(inner.join("/"), () => {
        const child = resolveInside(root, join(real, name), name);
        const stats = statSync(child);
        if (stats.isFile()) addFile(inner, { path: child, offset: 0, size: stats.size }, stats, archivesIn(visible));
        else if (stats.isDirectory()) enter(inner, child, [...above, real]);
        else throw new Unusable("it is neither a folder nor an ordinary file");
      });
    }
  };

  const enter = (segments: readonly string[], real: string, above: readonly string[]): void => {
    if (above.includes(real)) throw new Unusable("it is a link to a folder that holds it");
    if (above.length > DEPTH_LIMIT) throw new Unusable("it lies too deep");
    visit(segments, real, above);
  };

  const addFolder = (segments: readonly string[], real: string): void => {
    if (segments.length < 2) {
      throw new Unusable("the export lies too high: move it to <repository>/<tag>/ below the folder");
    }
    const name = nameOfFolder(segments);
    if (!name) throw badFolderName(segments);
    const markers = MARKERS.flatMap((marker) => statSync(join(real, marker), { throwIfNoEntry: false }) ?? []);
    const identity = [statSync(real), ...markers].map(identityOf).join(" ");
    const changed = Math.max(...markers.map(({ ctimeMs }) => ctimeMs));
    const content = read(real, identity, changed, () => readArchive(folderMembers(root, real)));
    add(content, segments, changed, namesInFolder(content, segments, name));
  };

  const addFile = (segments: readonly string[], file: FileRange, stats: Stats, siblings: number): void => {
    const name = segments[segments.length - 1] ?? "";
    const identity = identityOf(stats);
    const content = read(file.path, identity, stats.ctimeMs, () =>
      readArchive(openFile(file, name, (head) => unpacked({ path: file.path, size: file.size, identity }, head))),
    );
    add(content, segments, stats.ctimeMs, namesOfFile(content, segments, siblings));
  };

  /** Where a compressed tar lies unpacked. Throws Unusable when it does not yet, or cannot. */
  const unpacked = (seen: SeenFile, head: Buffer): string => {
    if (!cache) throw new Unusable(reasonOf(head));
    const failure = failures?.get(keyOf(seen));
    if (failure !== undefined) throw new Unusable(failure);
    const found = cache.find(seen);
    if (found !== undefined) return found;
    toUnpack.push(seen);
    throw new Waiting("it is being unpacked");
  };

  const read = (path: string, identity: string, changed: number, readNow: () => ArchiveContent): ArchiveContent => {
    sources.add(path);
    const known = memory?.get(path);
    const content = known?.identity === identity ? known.content : undefined;
    if (content instanceof Unusable) throw content;
    if (content) return content;
    const settled = settledBefore === undefined || changed <= settledBefore || accepted?.has(keyOf({ path, identity }));
    if (!settled) {
      unsettled = true;
      throw new Waiting("it was written to just now");
    }
    try {
      const fresh = readNow();
      memory?.set(path, { identity, content: fresh });
      return fresh;
    } catch (error) {
      if (error instanceof Unusable && !(error instanceof Waiting)) memory?.set(path, { identity, content: error });
      throw error;
    }
  };

  const add = (content: ArchiveContent, segments: readonly string[], modified: number, named: NamedRoot[]): void => {
    const path = segments.join("/");
    archives.push({ ...content, path, modified, named });
    const illegal = content.roots
      .flatMap(({ names }) => names)
      .filter((name) => !isOnlyTag(name) && !parseCarriedName(name));
    const reasons = [...content.problems, ...illegal.map((name) => `${quote(name)} is not a legal name`)];
    for (const reason of reasons) skipped.push({ path, reason });
  };

  visit([], root, []);
  return { archives, skipped, toUnpack, folders, sources, unsettled };
}

/** A reason that passes without anybody changing the file. */
class Waiting extends Unusable {}

/** Names a file in the state in which it was seen. */
export const keyOf = ({ path, identity }: Pick<SeenFile, "path" | "identity">): string => `${path} ${identity}`;

/** What must have changed when the content has. */
const identityOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string =>
  `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;

/** How many entries of a folder are no sidecars. */
const archivesIn = (entries: readonly Dirent[]): number =>
  entries.filter(({ name }) => !name.endsWith(".names") && !name.endsWith(".digest")).length;

/** `<repository>/<tag>/` names what is in it. A layout with several images names them itself, below its own path. */
function namesInFolder(content: ArchiveContent, segments: readonly string[], name: ImageName): NamedRoot[] {
  const [first, ...others] = content.roots;
  if (first && others.length === 0) return [{ name, digest: first.digest }];
  const path = segments.join("/");
  return content.roots.flatMap(({ digest, names }) => {
    const carried = namesFrom(names, isName(path) ? path : name.repository);
    return (carried.length > 0 ? carried : [{ repository: name.repository }]).map((each) => ({ name: each, digest }));
  });
}

/**
 * A tar is called what it says itself; if it says nothing, what its path says. In `<repository>/<tag>/` it is called by
 * that: when the folder of the tag holds nothing else.
 */
function namesOfFile(content: ArchiveContent, segments: readonly string[], siblings: number): NamedRoot[] {
  const { roots } = content;
  const nested = siblings === 1 && segments.length > 2 ? nameOfFolder(segments.slice(0, -1)) : undefined;
  const own = nameOfPath(segments.join("/"));
  const [first] = roots;
  if (nested && first && roots.length === 1 && isVersion(nested)) return [{ name: nested, digest: first.digest }];
  const named = roots.flatMap(({ digest, names }) =>
    namesFrom(names, own?.repository).map((name) => ({ name, digest })),
  );
  const repositories = [...new Set(named.map(({ name }) => name.repository))];
  const fallback = nested ?? own;
  if (repositories.length === 0 && !fallback) {
    throw new Unusable(
      `it carries no name, and ${quote(segments.join("/"))} is none; rename it to <repository>_<tag>.tar`,
    );
  }
  if (repositories.length === 0 && fallback && first) {
    const name = roots.length === 1 ? fallback : { repository: fallback.repository };
    return roots.map(({ digest }) => ({ name, digest }));
  }
  // What has no name in an archive that names others (referrers, children) can be had by digest beside them.
  const nameless = roots.filter(({ digest }) => !named.some((each) => each.digest === digest));
  return [
    ...named,
    ...nameless.flatMap(({ digest }) => repositories.map((repository) => ({ name: { repository }, digest }))),
  ];
}

const isVersion = ({ tag }: ImageName): boolean => tag !== undefined && /^v?\d|^latest$/.test(tag);

/** Names as an archive carries them; one that is only a tag belongs to `repository`. */
function namesFrom(names: readonly string[], repository: string | undefined): ImageName[] {
  return names.flatMap((text) => {
    if (isOnlyTag(text)) return repository === undefined ? [] : [{ repository, tag: text }];
    return parseCarriedName(text) ?? [];
  });
}

function openFile(file: FileRange, name: string, unpack: (head: Buffer) => string): Members {
  const head = readHead(file, 512, name);
  if (isTar(head)) return tarMembers(file.path, name);
  if (sniffCompression(head) !== "none") return tarMembers(unpack(head), name);
  throw new Unusable(reasonOf(head));
}

/** What is no tar, by its first bytes, and what to do about it. */
function reasonOf(head: Buffer): string {
  for (const [magic, reason] of FOREIGN) if (head.subarray(0, magic.length).equals(magic)) return reason;
  return head.length === 0
    ? "the file is empty"
    : "it is no archive of images: neither a folder of an export nor a tar";
}

const FOREIGN: readonly [Buffer, string][] = [
  [Buffer.from([0x1f, 0x8b]), "it is compressed with gzip, and there is no cache to unpack it into"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "it is compressed with zstd, and there is no cache to unpack it into"],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), "it is compressed with xz; unpack it with unxz"],
  [Buffer.from("BZh"), "it is compressed with bzip2; unpack it with bunzip2"],
  [Buffer.from("PK"), "it is a zip; unpack it, or pack the image as a tar"],
];

function badFolderName(segments: readonly string[]): Unusable {
  const repository = segments.slice(0, -1).join("/");
  if (!isName(repository)) {
    return new Unusable(`${quote(repository)} is not a repository name: lower case, digits and . _ - / between them`);
  }
  const tag = segments[segments.length - 1] ?? "";
  return new Unusable(`${quote(tag)} is not a tag: letters, digits and . _ -, at most 128`);
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(error, "the folder");
  }
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);
