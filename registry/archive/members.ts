import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Digest, quote } from "../reference.ts";
import { type FileRange, hashRange, resolveInside, unreadable, withFile } from "./files.ts";
import { indexTar, normalise, resolveMember } from "./tar.ts";
import { Unusable } from "./unusable.ts";

/** The files of an archive by name, whether it is a folder or a tar: what the readers of the forms read. */
export interface Members {
  /** Where a member lies, links followed; undefined when there is none. Throws Unusable when it cannot be had. */
  find(name: string): FileRange | undefined;
  /** The names of all members, links included. */
  names(): readonly string[];
  /** The digest of a member whose name does not say it. Throws Unusable when it cannot be read. */
  readonly hash: HashMember;
}

export type HashMember = (file: FileRange, shown: string) => Digest;

/** A member that has to be there. Throws Unusable when it is not. */
export function need(members: Members, name: string): FileRange {
  const found = members.find(name);
  if (!found) throw new Unusable(`${name} is missing`);
  return found;
}

/** The files below `folder`, which lies in `root`; a link may lead to a file anywhere in `root`. */
export function folderMembers(root: string, folder: string): Members {
  return {
    hash: hashRange,
    find(name) {
      const path = join(folder, insideName(name));
      if (!exists(path, name)) return undefined;
      const real = resolveInside(root, path, name);
      const stats = statSync(real);
      if (!stats.isFile()) throw new Unusable(`${name} is not an ordinary file`);
      return { path: real, offset: 0, size: stats.size };
    },
    names: () => readdirSync(folder, { recursive: true, encoding: "utf8" }),
  };
}

/** The members of the tar at `path`, which is read once, headers only. Throws Unusable when it is broken. */
export function tarMembers(path: string, shown: string, hash: HashMember = hashRange): Members {
  const members = withFile(path, shown, (fd, size) => indexTar(fd, size));
  return {
    hash,
    find(name) {
      const found = resolveMember(members, insideName(name));
      return found && { path, offset: found.offset, size: found.size };
    },
    names: () => [...members.keys()],
  };
}

/** The members below one folder of an archive, as if that were its top. */
export function below(members: Members, folder: string): Members {
  const prefix = `${folder}/`;
  return {
    hash: members.hash,
    find: (name) => members.find(prefix + insideName(name)),
    names: () => members.names().flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  };
}

function insideName(name: string): string {
  const plain = normalise(name);
  if (plain === undefined) throw new Unusable(`it names ${quote(name)}, which is not in its folder`);
  return plain;
}

function exists(path: string, shown: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw unreadable(error, shown);
  }
}
