import { relative, resolve } from "node:path";
import { fallbackTags } from "../registry/layer/fallback-tags.ts";
import { immutableTags } from "../registry/layer/immutable-tags.ts";
import { overlay } from "../registry/layer/overlay.ts";
import { readOnly } from "../registry/layer/read-only.ts";
import type { Digest } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { holderOf } from "../registry/store/catalogue.ts";
import { type DataStore, openDataStore } from "../registry/store/data/data-store.ts";
import { FolderInUse } from "../registry/store/data/folder-lock.ts";
import { UnknownFormat } from "../registry/store/data/format.ts";
import { folder as folderStore } from "../registry/store/folder.ts";
import type { LiveFolder } from "../registry/store/live-folder.ts";
import { findingsOf, type NamedFolder } from "./open-named-folder.ts";
import { tagPattern } from "./tag-pattern.ts";
import type { StoreOptions } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

/** The registry that the command line asks for, put together. */
export interface OpenRegistry {
  readonly registry: Registry;
  readonly data: DataStore;
}

/**
 * One registry out of the folder of archives and the data folder: what is pushed lies over what is dropped in. `complain`
 * hears, for a person, what was found damaged. Throws UsageError when the data folder cannot be had.
 */
export async function openRegistry(
  live: LiveFolder,
  options: StoreOptions & NamedFolder,
  complain: (message: string) => void,
): Promise<OpenRegistry> {
  const findings = findingsOf(options);
  const images = folderStore(live, {
    onDamage: (finding) => {
      complain(`the bytes of ${finding.path} do not match ${finding.digest}; it is not served any more`);
      findings.add(finding);
    },
  });
  const holderBelow = (digest: Digest): Promise<string | undefined> => holderOf(live.current, digest);
  const findCopy = async (digest: Digest) => {
    const holder = await holderBelow(digest);
    return holder === undefined ? undefined : (await images.getBlob(holder, digest)).body;
  };

  const data = await openNamedData(options, {
    findCopy,
    onDamage: complain,
    onLost: () => complain(lostMessage(options)),
  });
  const mayHaveBelow = (repository: string): boolean => live.current.repositories.has(repository);
  const both = overlay(data.registry, images, { mayHave: data.mayHave, mayHaveBelow, holderBelow });
  return { registry: fallbackTags(guarded(both, options)), data };
}

/** What clients may not do. */
function guarded(registry: Registry, { readOnly: refuses, immutable }: StoreOptions): Registry {
  if (refuses) return readOnly(registry, READ_ONLY);
  const patterns = immutable.map(tagPattern);
  return patterns.length === 0 ? registry : immutableTags(registry, (tag) => patterns.some((fits) => fits(tag)));
}

/** Opens the data folder that the command line names. Throws UsageError. */
export async function openNamedData(
  { data, folder, readOnly, limits, sparse, deleteInUse, sync }: StoreOptions & { readonly folder?: string },
  hooks: Parameters<typeof openDataStore>[1] = {},
): Promise<DataStore> {
  if (folder !== undefined && isInside(folder, data)) {
    throw new UsageError(`the data folder "${data}" lies in the folder of archives; choose another with --data`);
  }
  try {
    return await openDataStore(resolve(data), { onlyLook: readOnly, limits, sparse, deleteInUse, sync, ...hooks });
  } catch (error) {
    throw refusalOf(data, error, { onlyLook: readOnly });
  }
}

/** What people are told when a data folder cannot be opened: a UsageError, or the error itself when it is a bug. */
export function refusalOf(data: string, error: unknown, { onlyLook }: { readonly onlyLook: boolean }): unknown {
  if (error instanceof FolderInUse || error instanceof UnknownFormat) {
    return new UsageError(error.message, { cause: error });
  }
  const reason = (onlyLook ? LOOKING : WRITING).get((error as NodeJS.ErrnoException).code ?? "");
  return reason ? new UsageError(`cannot use the data folder "${data}": ${reason}`) : error;
}

const READ_ONLY = "it was started with --read-only; to add an image, put its archive into the folder";

const NO_FOLDER = "it is a file, not a folder";
const UNREADABLE = "no permission to read it; choose another with --data";
const UNWRITABLE = "no permission to write to it; serve it with --read-only, or choose another with --data";

const LOOKING: ReadonlyMap<string, string> = new Map([
  ["ENOTDIR", NO_FOLDER],
  ["EACCES", UNREADABLE],
  ["EPERM", UNREADABLE],
]);

const WRITING: ReadonlyMap<string, string> = new Map([
  ["ENOTDIR", NO_FOLDER],
  ["EACCES", UNWRITABLE],
  ["EPERM", UNWRITABLE],
  ["EROFS", "its file system is read-only; serve it with --read-only, or choose another with --data"],
  ["ENOSPC", "its disk is full"],
]);

const lostMessage = ({ data }: StoreOptions): string =>
  `another process took the data folder ${data}; nothing is written any more. Stop one of the two`;

function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way === "" || (!way.startsWith("..") && !way.startsWith("/"));
}
