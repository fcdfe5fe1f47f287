import { createHash } from "node:crypto";
import { readdirSync, realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalogue } from "../registry/store/catalogue.ts";
import { type Findings, findingsIn } from "../registry/store/findings.ts";
import { type LiveFolder, type LiveOptions, openFolder } from "../registry/store/live-folder.ts";
import { scanCache } from "../registry/store/scan-cache.ts";
import { unpackCache } from "../registry/store/unpack-cache.ts";
import { complain } from "./complain.ts";
import { UsageError } from "./usage-error.ts";

/** More than this is not unpacked at a time, in bytes. */
const CACHE_LIMIT = 64 * 1024 ** 3;

/** What the command line names. */
export interface NamedFolder {
  readonly folder: string;
  /** Undefined: the user's cache folder. */
  readonly cache: string | undefined;
}

/** Opens the folder that the command line names. Throws UsageError when there is none, or the cache is none. */
export function openNamedFolder(named: NamedFolder, options: Omit<LiveOptions, "cache" | "scans"> = {}): LiveFolder {
  const { folder, cache } = named;
  const place = cacheFolder(named);
  if (cache !== undefined) assertCache(cache);
  const onUnusable = (reason: string) =>
    complain(`nothing can be unpacked into the cache ${place}: ${reason}; ${OTHER}`);
  const onError = (error: unknown) =>
    complain(`what was read cannot be kept in the cache ${place} (${codeOf(error)}); the next start reads it again`);
  try {
    const scans = scanCache(place, { onError });
    return openFolder(folder, { ...options, cache: unpackCache(place, CACHE_LIMIT, { onUnusable }), scans });
  } catch (error) {
    throw usageError(error, `cannot serve "${folder}"`);
  }
}

/** The folder as it is now, compressed archives unpacked. Throws UsageError when there is none. */
export async function readOnce(named: NamedFolder): Promise<Catalogue> {
  const live = openNamedFolder(named);
  try {
    await live.ready;
    return live.current;
  } finally {
    live.close();
  }
}

/** What was found out about a folder before, by whoever served or checked it with this cache. */
export const findingsOf = (named: NamedFolder): Findings => findingsIn(join(cacheFolder(named), "damaged"));

/** Each folder has a place of its own in the cache, because what it does not need is removed. */
function cacheFolder({ folder, cache }: NamedFolder): string {
  const base = cache ?? join(userCache(), "ociregistry");
  try {
    return join(base, createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 16));
  } catch (error) {
    throw usageError(error, `cannot serve "${folder}"`);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

const OTHER = "choose another with --cache";

/** That nothing can be written to it matters only when something has to be, and one that is not there can be made then. */
function assertCache(cache: string): void {
  try {
    readdirSync(cache);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    const { message } = usageError(error, `cannot use the cache "${cache}"`);
    throw new UsageError(`${message}; ${OTHER}`);
  }
}

/** The mistake that a failure to read stands for. Throws what is none. */
function usageError(error: unknown, what: string): UsageError {
  const reason = REASONS.get((error as NodeJS.ErrnoException).code ?? "");
  if (!reason) throw error;
  return new UsageError(`${what}: ${reason}`);
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
