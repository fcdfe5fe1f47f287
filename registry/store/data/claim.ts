import { RegistryError } from "../../errors.ts";
import type { Disk } from "./disk.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { prepareFolder } from "./format.ts";
import type { Layout } from "./layout.ts";

/** The right to write to a data folder. One process has it at a time. */
export interface Claim {
  /** Resolves when the folder is there and is ours: at the start, or with the first write. */
  readonly opened: Promise<void>;
  /** Makes the folder, or takes the one that is there. Once; a failure is tried again with the next write. */
  take(): Promise<void>;
  /** To be called when all that was in the folder has been read: from now on, who finds other things there is too late. */
  begin(): void;
  /** Resolves when nobody is taking the folder any more. */
  settled(): Promise<void>;
  /** Throws UNAVAILABLE when the folder is not ours any more, UNSUPPORTED when it was opened only to look at. */
  assertOurs(): void;
  /** Gives the folder back, for this reason. */
  end(why: string): void;
  letGo(): Promise<void>;
}

export interface ClaimOptions {
  readonly onlyLook: boolean;
  readonly lock?: typeof lockFolder;
  readonly onLost?: () => void;
}

export function claimOf(disk: Disk, layout: Layout, options: ClaimOptions): Claim {
  const opened = deferred();
  let lock: FolderLock | undefined;
  let taking: Promise<void> | undefined;
  let ended: string | undefined;
  /** What is in memory is what was in the folder when it was opened. */
  let isOpen = false;

  const takeLock = async (): Promise<void> => {
    lock ??= await (options.lock ?? lockFolder)(layout.lock, () => {
      ended = "another process took the data folder of this server";
      options.onLost?.();
    });
  };
  const takeFolder = async (): Promise<void> => {
    const wasOurs = lock !== undefined;
    const isNew = await prepareFolder(disk, layout, takeLock);
    if (isOpen && !wasOurs && !isNew) {
      await lock?.release();
      lock = undefined;
      throw new RegistryError("UNAVAILABLE", "another process wrote to the new data folder; restart this server");
    }
    for (const name of await disk.list(layout.temporary)) await disk.remove(`${layout.temporary}/${name}`);
    opened.resolve();
  };

  return {
    opened: opened.promise,
    take() {
      taking ??= takeFolder();
      taking.catch(() => {
        taking = undefined;
      });
      return taking;
    },
    begin() {
      isOpen = true;
    },
    async settled() {
      await taking;
    },
    assertOurs() {
      if (options.onlyLook) throw new RegistryError("UNSUPPORTED", "the data folder was opened only to look at");
      if (ended !== undefined) throw new RegistryError("UNAVAILABLE", ended);
    },
    end(why) {
      ended ??= why;
    },
    async letGo() {
      await taking?.catch(() => {});
      await lock?.release();
    },
  };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
