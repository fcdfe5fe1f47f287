import type { Digest } from "../../reference.ts";
import type { Body, Registry } from "../../registry.ts";
import { blobFiles } from "../blob-files.ts";
import { blobStore } from "./blobs.ts";
import { claimOf } from "./claim.ts";
import { type Collection, type CollectOptions, collector } from "./collect.ts";
import { deleterOf } from "./deleter.ts";
import { type Disk, nodeDisk } from "./disk.ts";
import { durable } from "./durable.ts";
import { fetchCopy } from "./fetch-copy.ts";
import { type FileHasher, fileHasher } from "./file-hasher.ts";
import type { lockFolder } from "./folder-lock.ts";
import { assertReadable } from "./format.ts";
import type { Holdings } from "./holdings.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { leases as createLeases } from "./leases.ts";
import { manifestFiles } from "./manifests.ts";
import { membershipsIn } from "./memberships.ts";
import { readerOf } from "./reader.ts";
import { withRefusals } from "./refusals.ts";
import { openRepositories } from "./repositories.ts";
import { sharedLock } from "./shared-lock.ts";
import { tagFiles } from "./tags.ts";
import { UPLOAD_LIMITS, type UploadLimits } from "./upload-limits.ts";
import { openUploads } from "./uploads.ts";
import { writerOf } from "./writer.ts";

/** A registry that keeps what is pushed to it in a folder, and survives kill -9 and a loss of power. */
export interface DataStore {
  readonly registry: Registry;
  /** Resolves when the folder is there and is ours: at the start, or with the first write. */
  readonly opened: Promise<void>;
  /** Whether it can have anything of a repository. */
  mayHave(repository: string): boolean;
  /** How many uploads are open. */
  readonly uploads: number;
  /** Removes what no manifest needs, while others push and pull. */
  collect(options: CollectOptions): Promise<Collection>;
  /** Gives up the uploads that nobody has continued for too long, as collecting does, too. Returns how many. */
  expire(): Promise<number>;
  /** Lets go of the folder. */
  close(): Promise<void>;
}

export interface DataOptions {
  readonly limits?: Partial<UploadLimits>;
  /** Takes manifests of which not all parts are there: an index without some of its children, an image without layers. */
  readonly sparse?: boolean;
  /** Lets a client delete what a manifest of the repository is made of. */
  readonly deleteInUse?: boolean;
  /** Only to look at, beside the process that has the folder: takes no lock and changes nothing. */
  readonly onlyLook?: boolean;
  /** Without it a loss of power may take what was acknowledged: for measuring, and for data that nobody needs. */
  readonly sync?: boolean;
  /** Looks elsewhere for the bytes of a blob that was found damaged or missing. */
  readonly findCopy?: (digest: Digest) => Promise<Body | undefined>;
  /** Hears of what was found damaged, for people. */
  readonly onDamage?: (message: string) => void;
  /** Hears that another process took the folder; then nothing may be written any more. */
  readonly onLost?: () => void;
  readonly disk?: Disk;
  readonly hasher?: FileHasher;
  readonly lock?: typeof lockFolder;
  readonly now?: () => number;
}

/**
 * Opens a data folder; it is made with the first write. Design: nothing has an index, every record shows by itself
 * whether it is whole, a tag is always the last write, and what a crash leaves is garbage that is found by its place.
 * Throws FolderInUse when another process has it, and UnknownFormat when it is no data folder.
 */
export async function openDataStore(root: string, options: DataOptions = {}): Promise<DataStore> {
  const { disk = nodeDisk, now = Date.now, sync = true, onlyLook = false } = options;
  const layout = layoutOf(root);
  const claim = claimOf(disk, layout, { ...options, onlyLook });
  try {
    if (onlyLook) await assertReadable(disk, layout);
    else if ((await disk.list(root)).length > 0) await claim.take();
    const holdings = await openHoldings(disk, layout, options);
    const hasher = options.hasher ?? fileHasher();
    const memberships = membershipsIn(holdings, (digest) => collecting.linked(digest));
    const uploads = await openUploads({
      hasher,
      disk,
      layout,
      limits: { ...UPLOAD_LIMITS, ...options.limits },
      sync,
      now,
      publish: memberships.publish,
    });
    const collecting = collector({
      ...holdings,
      uploads,
      now,
      assertOurs: claim.assertOurs,
    });
    const { sparse = false, deleteInUse = false } = options;
    const registry: Registry = {
      ...readerOf(holdings),
      ...writerOf(holdings, { prepare: claim.take, uploads, memberships, sparse }),
      ...deleterOf(holdings, { deleteInUse }),
    };
    claim.begin();
    return {
      opened: claim.opened,
      mayHave: holdings.repositories.mayHave,
      registry: withRefusals(registry, claim.assertOurs),
      get uploads() {
        return uploads.open;
      },
      async collect(collectOptions) {
        claim.assertOurs();
        await claim.settled();
        return collecting.collect(collectOptions);
      },
      async expire() {
        claim.assertOurs();
        await claim.settled();
        return uploads.expire();
      },
      async close() {
        claim.end("the server is stopping");
        await hasher.end();
        await claim.letGo();
      },
    };
  } catch (error) {
    await claim.letGo();
    throw error;
  }
}

/** Reads the names of the repositories, and no more. */
async function openHoldings(disk: Disk, layout: Layout, options: DataOptions): Promise<Holdings> {
  const { now = Date.now, sync = true, onlyLook = false, onDamage } = options;
  const files = durable(disk, layout.temporary, { sync: sync && !onlyLook });
  const locks = sharedLock();
  const blobs = blobStore({
    disk,
    layout,
    files,
    onlyLook,
    verified: blobFiles({
      onlyMoved: true,
      onDamage: ({ digest }) => onDamage?.(`the blob ${digest} is damaged; it is not served until it is pushed again`),
    }),
    quarantine: async (digest) => {
      const aside = layout.quarantined(digest, now());
      await files.place(layout.blob(digest), aside);
      await files.settle(layout.blob(digest), aside);
    },
    heal: async (digest, size) => {
      const copy = await options.findCopy?.(digest);
      const temporary = files.temporaryPath();
      if (!copy || !(await fetchCopy(disk, temporary, copy, digest, size))) return false;
      await blobs.hold(digest, async () => files.settle((await blobs.adopt(temporary, digest, size)).path));
      return true;
    },
  });
  return {
    disk,
    layout,
    files,
    locks,
    leases: createLeases(now),
    repositories: await openRepositories(disk, layout, files, locks),
    manifests: manifestFiles(disk, layout, files, (name, digest) =>
      onDamage?.(`the manifest ${digest} of ${name} is damaged; push it again`),
    ),
    tags: tagFiles(disk, layout, files, (name, tag) => onDamage?.(`the tag ${name}:${tag} is damaged; push it again`)),
    blobs,
  };
}
