import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { readDockerArchive } from "../archive/docker-archive.ts";
import { resolveInside, unreadable } from "../archive/files.ts";
import type { FoundImage } from "../archive/image.ts";
import { Unusable } from "../archive/unusable.ts";
import { isName, isTag, quote, type Tag } from "../reference.ts";

/** What a folder of exports holds at one moment. */
export interface Scan {
  /** In the order of their paths. */
  readonly images: readonly ScannedImage[];
  readonly skipped: readonly Skipped[];
}

export interface ScannedImage extends FoundImage {
  readonly repository: string;
  readonly tag: Tag;
  /** Below the scanned folder. */
  readonly path: string;
  /** What it is, for `list`. */
  readonly form: string;
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
 * Reads `images/<repository>/<tag>/`, at any depth, in one synchronous pass: nobody is being served yet, and it is four
 * times as fast that way. A broken entry is reported in `skipped` and never hides a good one. Throws only when the folder
 * itself cannot be read.
 */
export function scan(folder: string): Scan {
  const root = realpathSync(folder);
  const images: ScannedImage[] = [];
  const skipped: Skipped[] = [];
  const taken = new Map<string, string>();

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
    const visible = entries.filter(({ name }) => !name.startsWith(".")).sort(byName);
    if (visible.some(({ name }) => name === "manifest.json")) {
      add(segments, real);
      return;
    }
    if (visible.length === 0 && segments.length > 0) throw new Unusable("the folder is empty");
    for (const { name } of visible) {
      const path = join(...segments, name);
      attempt(path, () => {
        const child = resolveInside(root, join(real, name), name);
        if (!statSync(child).isDirectory()) throw new Unusable("it is a file where a folder is expected");
        if (child === real || above.includes(child)) throw new Unusable("it is a link to a folder that holds it");
        if (above.length > DEPTH_LIMIT) throw new Unusable("it lies too deep");
        visit([...segments, name], child, [...above, real]);
      });
    }
  };

  const add = (segments: readonly string[], real: string): void => {
    const { repository, tag } = nameOf(segments);
    const path = segments.join("/");
    const key = `${canonicalName(repository)}:${tag}`;
    const first = taken.get(key);
    if (first !== undefined) throw new Unusable(`${first} is the same image and is served instead; remove one of them`);
    const image = readDockerArchive(root, real);
    taken.set(key, path);
    images.push({ ...image, repository, tag, path, form: "crane export" });
  };

  visit([], root, []);
  return { images, skipped };
}

/** A name of one segment and `library/<name>` are the same repository, as on Docker Hub. */
export function canonicalName(name: string): string {
  if (!name.startsWith(LIBRARY)) return name;
  const rest = name.slice(LIBRARY.length);
  return rest.includes("/") ? name : rest;
}

const LIBRARY = "library/";

function nameOf(segments: readonly string[]): { repository: string; tag: Tag } {
  const tag = segments[segments.length - 1] ?? "";
  const repository = segments.slice(0, -1).join("/");
  if (repository === "") {
    throw new Unusable("the export lies too high: move it to <repository>/<tag>/ below the folder");
  }
  if (!isName(repository)) {
    throw new Unusable(`${quote(repository)} is not a repository name: lower case, digits and . _ - / between them`);
  }
  if (!isTag(tag)) throw new Unusable(`${quote(tag)} is not a tag: letters, digits and . _ -, at most 128`);
  return { repository, tag };
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(error, "the folder");
  }
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);
