import { type Digest, isName, isTag, type Tag } from "../../reference.ts";
import type { List } from "../../registry.ts";
import type { Disk } from "./disk.ts";
import type { Durable } from "./durable.ts";
import { digestNamedBy, type Layout, membershipNamedBy, repositoryNameOf } from "./layout.ts";
import type { SharedLock } from "./shared-lock.ts";
import { type SortedNames, sortedNames } from "./sorted-names.ts";

/** What a repository holds, as the names of its files say. */
export interface RepositoryState {
  readonly name: string;
  /** Its blobs and their sizes in bytes. */
  readonly blobs: Map<Digest, number>;
  readonly manifests: Set<Digest>;
  readonly tags: SortedNames<Tag>;
  /** What tags mean, of those that were read or written. */
  readonly targets: Map<Tag, Digest>;
  /** By manifest, what it is made of; read when something is to be deleted. */
  uses?: Map<Digest, readonly Digest[]>;
}

/**
 * The repositories of a data folder. The names of their files are read when a repository is first asked for and kept for
 * as long as there is room; after that every question about what is there is answered without the disk.
 */
export interface Repositories {
  /** Undefined when there is no such repository. */
  find(name: string): RepositoryState | undefined | Promise<RepositoryState | undefined>;
  /** No when there is certainly none of this name. */
  mayHave(name: string): boolean;
  /** For those who are about to add something, and hold the repository's lock. */
  findOrCreate(name: string): Promise<RepositoryState>;
  /** To be called once something was added or removed: an empty repository is none. */
  changed(state: RepositoryState): void;
  /** A repository that has a blob; of very many, not all are looked through. */
  holder(digest: Digest): Promise<RepositoryState | undefined>;
  /** In byte order, after `name`. */
  list(after: string): List<string>;
  /** Also those that turn out to be empty. */
  allNames(): string[];
}

/** How many repositories are kept in memory. */
const RESIDENT_LIMIT = 10_000;

/** How many of the others are looked through for a blob. Who is not given it sends it, which is no harm. */
const SEARCH_LIMIT = 2_000;

/** How many repositories are looked into at once, when they are listed for the first time. */
const LOOK_AHEAD = 32;

/** Reads only the names of the repositories: starting is quick however many there are. */
export async function openRepositories(
  disk: Disk,
  layout: Layout,
  files: Durable,
  locks: SharedLock,
): Promise<Repositories> {
  const resident = new Map<string, RepositoryState>();
  const loading = new Map<string, Promise<RepositoryState | undefined>>();
  await files.settleFolder(layout.repositories);
  const folders = await disk.list(layout.repositories);
  const names = sortedNames(folders.map(repositoryNameOf).filter(isName));
  /** Those that have been seen to hold something. A crash may leave a folder that was made for something to come. */
  const filled = new Set<string>();
  const settled = new Set<string>();

  const keep = (state: RepositoryState): RepositoryState => {
    resident.delete(state.name);
    resident.set(state.name, state);
    for (const name of resident.keys()) {
      if (resident.size <= RESIDENT_LIMIT) break;
      // Whoever holds the lock is changing what is in memory.
      if (name !== state.name && !locks.isHeld(name)) resident.delete(name);
    }
    return state;
  };

  /**
   * What a killed process wrote is there, but it may not have lived to sync it. Once somebody has been told of it, it has
   * to stay: a manifest is taken because its parts are there.
   */
  const settle = async (name: string): Promise<void> => {
    if (settled.has(name)) return;
    const folder = [layout.repository(name), layout.memberships(name), layout.manifests(name), layout.tags(name)];
    await Promise.all(folder.map(files.settleFolder));
    settled.add(name);
  };

  const load = (name: string): Promise<RepositoryState | undefined> => {
    const known = loading.get(name);
    if (known !== undefined) return known;
    const reading = settle(name)
      .then(() => readState(disk, layout, name))
      .then((state) => {
        if (isEmpty(state)) {
          names.delete(name);
          return undefined;
        }
        filled.add(name);
        return keep(state);
      })
      .finally(() => loading.delete(name));
    loading.set(name, reading);
    return reading;
  };

  /** One look at one folder, mostly: to be listed says nothing of what is in it, so nothing has to be read or settled. */
  const look = async (name: string): Promise<boolean> => {
    for (const folder of [layout.manifests(name), layout.memberships(name)]) {
      if ((await disk.list(folder)).length === 0) continue;
      if (names.has(name)) filled.add(name);
      return true;
    }
    return (await load(name)) !== undefined;
  };

  /** For the first list after a start: those of some names that hold something. */
  async function* filledOf(some: readonly string[]): List<string> {
    for (let start = 0; start < some.length; start += LOOK_AHEAD) {
      const ahead = some.slice(start, start + LOOK_AHEAD);
      const isFilled = await Promise.all(ahead.map((name) => filled.has(name) || look(name)));
      yield ahead.filter((_, index) => isFilled[index]);
    }
  }

  const allNames = (): string[] => [...names.after("")].flat();

  const find: Repositories["find"] = (name) => {
    if (!names.has(name)) return undefined;
    const state = resident.get(name);
    return state ?? load(name);
  };

  return {
    find,
    mayHave: (name) => names.has(name),
    async findOrCreate(name) {
      const known = await find(name);
      return known ?? resident.get(name) ?? keep(emptyState(name));
    },
    changed(state) {
      if (isEmpty(state)) {
        names.delete(state.name);
        filled.delete(state.name);
      } else {
        filled.add(state.name);
        names.add(state.name);
      }
    },
    async holder(digest) {
      for (const state of resident.values()) if (state.blobs.has(digest)) return state;
      const size = (await disk.stat(layout.blob(digest)))?.size;
      if (size === undefined) return undefined;
      const others = allNames()
        .filter((name) => !resident.has(name))
        .slice(0, SEARCH_LIMIT);
      for (const name of others) if (await disk.stat(layout.membership(name, digest, size))) return find(name);
      return undefined;
    },
    async *list(after) {
      for (const piece of names.after(after)) {
        if (piece.every((name) => filled.has(name))) yield piece;
        else yield* filledOf(piece);
      }
    },
    allNames,
  };
}

const isEmpty = ({ blobs, manifests }: RepositoryState): boolean => blobs.size === 0 && manifests.size === 0;

const emptyState = (name: string): RepositoryState => ({
  name,
  blobs: new Map(),
  manifests: new Set(),
  tags: sortedNames(),
  targets: new Map(),
});

async function readState(disk: Disk, layout: Layout, name: string): Promise<RepositoryState> {
  const [blobs, manifests, tags] = await Promise.all([
    disk.list(layout.memberships(name)),
    disk.list(layout.manifests(name)),
    disk.list(layout.tags(name)),
  ]);
  return {
    name,
    blobs: new Map(blobs.flatMap((file) => membershipNamedBy(file) ?? []).map((each) => [each.digest, each.size])),
    manifests: new Set(manifests.flatMap((file) => digestNamedBy(file) ?? [])),
    tags: sortedNames(tags.filter(isTag)),
    targets: new Map(),
  };
}
