import { canonicalName } from "../reference.ts";
import { byteCache } from "./byte-cache.ts";

/** Which state a repository is in: another one after each change. */
export type Version = number;

/** When repositories changed, as far as anybody was told. */
export interface Changes {
  /** Without a repository: any may have changed. */
  note(repository?: string): void;
  versionOf(repository: string): Version;
}

/** Of so many repositories it is known when they changed; with one more, any may have. */
const LIMIT = 10_000;

export function changesOfRepositories(limit = LIMIT): Changes {
  const versions = new Map<string, Version>();
  let last: Version = 0;
  let ofOthers: Version = 0;
  const noteAll = (): void => {
    versions.clear();
    ofOthers = ++last;
  };
  return {
    note(repository) {
      if (repository === undefined || versions.size >= limit) noteAll();
      else versions.set(canonicalName(repository), ++last);
    },
    versionOf: (repository) => versions.get(canonicalName(repository)) ?? ofOthers,
  };
}

/** What somebody else said of a repository, until that has changed. */
export interface Remembered<T> {
  get(repository: string, key: string): T | undefined;
  /** `version`: that of the repository before the question was asked. What has changed since is not kept. */
  set(repository: string, key: string, value: T, options: { bytes: number; version: Version }): void;
}

/** What an entry takes beside its bytes, about. */
const COST = 512;

/** Keeps up to `limit` bytes. */
export function remembered<T>(changes: Changes, limit: number): Remembered<T> {
  const entries = byteCache<{ readonly value: T; readonly version: Version }>(limit);
  return {
    get(repository, key) {
      const entry = entries.get(`${repository} ${key}`);
      return entry?.version === changes.versionOf(repository) ? entry.value : undefined;
    },
    set(repository, key, value, { bytes, version }) {
      if (version === changes.versionOf(repository))
        entries.set(`${repository} ${key}`, { value, version }, bytes + COST);
    },
  };
}
