import { join } from "node:path";
import type { FileRange } from "../../archive/files.ts";
import { RegistryError } from "../../errors.ts";
import { type KeyedLock, keyedLock } from "../../keyed-lock.ts";
import type { Digest } from "../../reference.ts";
import type { Body, Content } from "../../registry.ts";
import { orElse, type Soon } from "../../soon.ts";
import type { BlobFiles } from "../blob-files.ts";
import type { Disk } from "./disk.ts";
import type { Durable } from "./durable.ts";
import { type Layout, trashNamedBy } from "./layout.ts";

/** The bytes of all blobs, each once, whichever repositories have it. */
export interface Blobs {
  /** Throws BLOB_UNKNOWN when the bytes are gone or known to be damaged. */
  stat(digest: Digest, size: number): Promise<void>;
  /** Throws BLOB_UNKNOWN, UNAVAILABLE. */
  open(digest: Digest, size: number, part: Content["range"]): Soon<Body>;
  /** How many bytes are stored under a digest, in whatever state they are. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /**
   * Moves a file whose bytes match the digest, and were synced, to its place; bytes that are there are replaced unless
   * they are known to be good, which heals what was damaged. Durable after `settle` of the path that it returns.
   */
  adopt(file: string, digest: Digest, size: number): Promise<{ readonly path: string; readonly isNew: boolean }>;
  /** Nobody collects a blob while it is held. */
  hold<T>(digest: Digest, action: () => Promise<T>): Promise<T>;
}

export interface BlobOptions {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly files: Durable;
  readonly verified: BlobFiles;
  /** Leaves what is damaged where it is: the folder is another's. */
  readonly onlyLook: boolean;
  /** Looks for a good copy elsewhere, and adopts it. False when there is none. */
  readonly heal: (digest: Digest, size: number) => Promise<boolean>;
  readonly quarantine: (digest: Digest) => Promise<void>;
}

export function blobStore({ disk, layout, files, verified, onlyLook, heal, quarantine }: BlobOptions): Blobs {
  const held: KeyedLock = keyedLock();
  const healing = new Map<string, Promise<boolean>>();
  const rangeOf = (digest: Digest, size: number): FileRange => ({ path: layout.blob(digest), offset: 0, size });

  /** Tries again once, when the bytes could be brought back: from the trash, or from another place that has them. */
  const withHealing = <T>(digest: Digest, size: number, read: () => Soon<T>): Soon<T> =>
    orElse(read, async (error) => {
      if (!(error instanceof RegistryError && error.code === "BLOB_UNKNOWN")) throw error;
      if (onlyLook || !(await bringBack(digest, size))) throw error;
      return read();
    });
  const bringBack = (digest: Digest, size: number): Promise<boolean> => {
    const running = healing.get(digest) ?? search(digest, size).finally(() => healing.delete(digest));
    healing.set(digest, running);
    return running;
  };
  const search = async (digest: Digest, size: number): Promise<boolean> => {
    await held.run(digest, async () => {
      if (await verified.isDamaged(rangeOf(digest, size), digest)) await quarantine(digest);
    });
    return (await restore(digest, size)) || heal(digest, size);
  };
  const restore = (digest: Digest, size: number): Promise<boolean> =>
    held.run(digest, async () => {
      const name = (await disk.list(layout.trash)).find((each) => trashNamedBy(each)?.digest === digest);
      const trashed = name && join(layout.trash, name);
      if (!trashed || (await disk.stat(trashed))?.size !== size) return false;
      await files.place(trashed, layout.blob(digest));
      await files.settle(layout.blob(digest));
      return true;
    });

  const sizeOf: Blobs["sizeOf"] = async (digest) => (await disk.stat(layout.blob(digest)))?.size;

  return {
    stat: async (digest, size) => withHealing(digest, size, () => verified.stat(rangeOf(digest, size), digest)),
    open: (digest, size, part) => withHealing(digest, size, () => verified.open(rangeOf(digest, size), digest, part)),
    sizeOf,
    async adopt(file, digest, size) {
      const path = layout.blob(digest);
      const isNew = (await sizeOf(digest)) === undefined;
      if (!isNew && (await verified.isGood(rangeOf(digest, size), digest))) {
        await disk.remove(file);
        return { path, isNew };
      }
      await files.place(file, path);
      await verified.trust(rangeOf(digest, size), digest);
      return { path, isNew };
    },
    hold: (digest, action) => held.run(digest, action),
  };
}
