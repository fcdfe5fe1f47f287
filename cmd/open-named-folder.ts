import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalogue } from "../registry/store/catalogue.ts";
import { type LiveFolder, type LiveOptions, openFolder } from "../registry/store/live-folder.ts";
import { type UnpackCache, unpackCache } from "../registry/store/unpack-cache.ts";
import { UsageError } from "./usage-error.ts";

/** More than this is not unpacked at a time, in bytes. */
const CACHE_LIMIT = 64 * 1024 ** 3;

/** Opens the folder that the command line names. Throws UsageError when there is none. */
export function openNamedFolder(
  { folder, cache }: { folder: string; cache: string | undefined },
  options: Omit<LiveOptions, "cache"> = {},
): LiveFolder {
  try {
    return openFolder(folder, { ...options, cache: cacheOf(folder, cache) });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const reason = REASONS.get(code);
    if (!reason) throw error;
    throw new UsageError(`cannot serve "${folder}": ${reason}`);
  }
}

/** The folder as it is now, compressed archives unpacked. Throws UsageError when there is none. */
export async function readOnce(command: { folder: string; cache: string | undefined }): Promise<Catalogue> {
  const live = openNamedFolder(command);
  try {
    await live.ready;
    return live.current;
  } finally {
    live.close();
  }
}

/** Each folder has a place of its own in the cache, because what it does not need is removed. */
function cacheOf(folder: string, given: string | undefined): UnpackCache {
  const base = given ?? join(userCache(), "ociregistry");
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 16);
  return unpackCache(join(base, name), CACHE_LIMIT);
}

/** A user without an entry in the user database, as in many containers, has no home. */
function userCache(): string {
  try {
    return process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  } catch {
    return tmpdir();
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such folder"],
  ["ENOTDIR", "it is a file, not a folder"],
  ["EACCES", "no permission to read it"],
  ["EPERM", "no permission to read it"],
]);
