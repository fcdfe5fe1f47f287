import type { ArchiveContent, Root } from "../archive/content.ts";
import { type FileRange, readSmall } from "../archive/files.ts";
import { withOriginal } from "../archive/original.ts";
import { Unusable } from "../archive/unusable.ts";
import { type Digest, isDigest, quote } from "../reference.ts";

/** What may lie beside an archive: `app.tar.names` says what it is called, `app.tar.digest` which digest it had. */
const NAMES = ".names";
const DIGEST = ".digest";

export const isSidecar = (name: string): boolean => name.endsWith(NAMES) || name.endsWith(DIGEST);

const LIMIT = 64 * 1024;

/** Finds what lies beside an archive; undefined when there is nothing. */
export type FindSidecar = (ending: string) => FileRange | undefined;

/**
 * The archive as its sidecars say. `.digest` holds the digest that the image had in its registry: that manifest becomes
 * the one that tags mean. `.names` holds one reference a line (`team/app:1.0`, `#` begins a comment); with several images
 * in the archive a digest follows. Throws Unusable when a sidecar says what cannot be.
 */
export function applySidecars(content: ArchiveContent, find: FindSidecar): ArchiveContent {
  const digestFile = find(DIGEST);
  const original = digestFile ? originalOf(content, readText(digestFile).trim()) : chosenByName(content);
  const namesFile = find(NAMES);
  return namesFile ? { ...original, roots: renamed(original.roots, readText(namesFile)) } : original;
}

function originalOf(content: ArchiveContent, text: string): ArchiveContent {
  if (!isDigest(text)) throw new Unusable(`${quote(text)} in its ${DIGEST} file is not a digest`);
  const found = withOriginal(content, text);
  if (!found)
    throw new Unusable(
      `the manifest ${text} of its ${DIGEST} file cannot be rebuilt; remove that file to serve it under another digest`,
    );
  return found;
}

/** A reference by digest in the archive itself says which manifest it had. */
function chosenByName(content: ArchiveContent): ArchiveContent {
  const names = content.roots.flatMap((root) => root.names).filter((name) => name.includes("@"));
  const digests = names.map((name) => name.slice(name.indexOf("@") + 1));
  return digests.reduce(
    (chosen, digest) => (isDigest(digest) ? (withOriginal(chosen, digest) ?? chosen) : chosen),
    content,
  );
}

function renamed(roots: readonly Root[], text: string): Root[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  const entries = lines.filter((line) => line !== "").map((line) => line.split(/\s+/));
  const names = new Map<Digest, string[]>(roots.map(({ digest }) => [digest, []]));
  for (const [name = "", digest = roots[0]?.digest ?? ""] of entries) {
    const known = names.get(digest as Digest);
    if (!known) throw new Unusable(`its ${NAMES} file names ${quote(digest)}, which is not at the top of the archive`);
    known.push(name.includes(":") ? name : `${name}:latest`);
  }
  return roots.map((root) => ({ ...root, names: names.get(root.digest) ?? [] }));
}

const readText = (file: FileRange): string => readSmall(file, LIMIT, "the file beside it").toString("utf8");
