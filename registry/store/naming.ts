import type { ArchiveContent } from "../archive/content.ts";
import {
  type ImageName,
  isOnlyTag,
  isVersionLike,
  nameOfFolder,
  nameOfPath,
  parseCarriedName,
} from "../archive/names.ts";
import { Unusable } from "../archive/unusable.ts";
import { type Digest, isName, quote } from "../reference.ts";

/** A manifest at the top of an archive, and a name under which it is served. */
export interface NamedRoot {
  readonly name: ImageName;
  readonly digest: Digest;
}

/** `<repository>/<tag>/` names what is in it. A layout with several images names them itself, below its own path. */
export function namesInFolder(content: ArchiveContent, segments: readonly string[]): NamedRoot[] {
  const name = folderName(segments);
  const [first, ...others] = content.roots;
  if (first && others.length === 0) return [{ name, digest: first.digest }];
  const path = segments.join("/");
  return content.roots.flatMap(({ digest, names }) => {
    const carried = namesFrom(names, isName(path) ? path : name.repository);
    return (carried.length > 0 ? carried : [{ repository: name.repository }]).map((each) => ({ name: each, digest }));
  });
}

/** What Concourse left is called what is written in its files; if nothing is, by its place. */
export function namesOfResource(content: ArchiveContent, segments: readonly string[]): NamedRoot[] {
  const named = content.roots.flatMap(({ digest, names }) =>
    namesFrom(names, undefined).map((name) => ({ name, digest })),
  );
  return named.length > 0 ? named : namesInFolder(content, segments);
}

/**
 * A tar is called what it says itself; if it says nothing, what its path says. In `<repository>/<tag>/` it is called by
 * that: when the folder of the tag holds nothing else.
 */
export function namesOfFile(content: ArchiveContent, segments: readonly string[], siblings: number): NamedRoot[] {
  const { roots } = content;
  const own = nameOfPath(segments.join("/"));
  const folder = segments.slice(0, -1);
  // In `team/web/1.4.tar` it is the file that is the tag.
  const isTagFolder = siblings === 1 && segments.length > 2 && own?.repository !== folder.join("/");
  const nested = isTagFolder ? nameOfFolder(folder) : undefined;
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

const isVersion = ({ tag }: ImageName): boolean => tag !== undefined && isVersionLike(tag);

/** Names as an archive carries them; one that is only a tag belongs to `repository`. */
function namesFrom(names: readonly string[], repository: string | undefined): ImageName[] {
  return names.flatMap((text) => {
    if (isOnlyTag(text)) return repository === undefined ? [] : [{ repository, tag: text }];
    return parseCarriedName(text) ?? [];
  });
}

/** Names in an archive that are none. */
export const illegalNames = ({ roots }: ArchiveContent): string[] =>
  roots.flatMap(({ names }) => names).filter((name) => !isOnlyTag(name) && !parseCarriedName(name));

/** The name that `<repository>/<tag>/` gives. Throws Unusable when it gives none. */
export function folderName(segments: readonly string[]): ImageName {
  if (segments.length < 2)
    throw new Unusable("the export lies too high: move it to <repository>/<tag>/ below the folder");
  const name = nameOfFolder(segments);
  if (name) return name;
  const repository = segments.slice(0, -1).join("/");
  if (!isName(repository)) {
    throw new Unusable(`${quote(repository)} is not a repository name: lower case, digits and . _ - / between them`);
  }
  throw new Unusable(
    `${quote(segments[segments.length - 1] ?? "")} is not a tag: letters, digits and . _ -, at most 128`,
  );
}
