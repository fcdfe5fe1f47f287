import { complete } from "../../complete.ts";
import { inUse, RegistryError } from "../../errors.ts";
import { later, listOf } from "../../lists.ts";
import { factsOf } from "../../manifest.ts";
import { MEDIA_TYPES } from "../../media-types.ts";
import { assertParts } from "../../parts.ts";
import { readPushedManifest } from "../../pushed-manifest.ts";
import { resolveRange } from "../../range.ts";
import { type Digest, digestOf, hashAlgorithmOf, type Reference, refersByDigest } from "../../reference.ts";
import { isOfType } from "../../referrers.ts";
import type { ByteStream, Registry, Upload } from "../../registry.ts";
import { blobFiles } from "../blob-files.ts";
import { blobStore } from "./blobs.ts";
import { type Collection, type CollectOptions, collector } from "./collect.ts";
import { codeOf, type Disk, isFull, nodeDisk } from "./disk.ts";
import { durable } from "./durable.ts";
import { fetchCopy } from "./fetch-copy.ts";
import { type FileHasher, fileHasher } from "./file-hasher.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { prepareFolder } from "./format.ts";
import { digestNamedBy, layoutOf } from "./layout.ts";
import { leases as createLeases } from "./leases.ts";
import { manifestFiles, type StoredManifest } from "./manifests.ts";
import { openRepositories, type RepositoryState } from "./repositories.ts";
import { sharedLock } from "./shared-lock.ts";
import { tagFiles } from "./tags.ts";
import { UPLOAD_LIMITS, type UploadLimits } from "./upload-limits.ts";
import { openUploads } from "./uploads.ts";
import { partsOf, userOf, usesOf } from "./uses.ts";

/** A registry that keeps what is pushed to it in a folder, and survives kill -9 and a loss of power. */
export interface DataStore {
  readonly registry: Registry;
  /** Resolves when the folder is there and is ours: at the start, or with the first write. */
  readonly opened: Promise<void>;
  /** Whether it can have anything of a repository. */
  mayHave(repository: string): boolean;
  /** Removes what no manifest needs, while others push and pull. */
  collect(options: CollectOptions): Promise<Collection>;
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
  readonly findCopy?: (digest: Digest) => Promise<ByteStream | undefined>;
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
  const { disk = nodeDisk, now = Date.now, sync = true, onDamage, sparse = false, deleteInUse = false } = options;
  const layout = layoutOf(root);
  const files = durable(disk, layout.temporary, { sync: sync && !options.onlyLook });
  const locks = sharedLock();
  const leases = createLeases(now);
  const opened = deferred();
  let lock: FolderLock | undefined;
  let preparing: Promise<void> | undefined;
  /** Why nothing may be written any more. */
  let ended: string | undefined;
  /** What is in memory is what was in the folder when it was opened. */
  let isOpen = false;

  const assertOurs = (): void => {
    if (options.onlyLook) throw new RegistryError("UNSUPPORTED", "the data folder was opened only to look at");
    if (ended !== undefined) throw new RegistryError("UNAVAILABLE", ended);
  };
  const letGo = async (): Promise<void> => {
    await preparing?.catch(() => {});
    await lock?.release();
  };
  /** Makes the folder, or takes the one that is there. Once; a failure is tried again with the next write. */
  const prepare = (): Promise<void> => {
    preparing ??= (async () => {
      const isOurs = lock !== undefined;
      const isNew = await prepareFolder(disk, layout, takeLock);
      if (isOpen && !isOurs && !isNew) {
        await lock?.release();
        lock = undefined;
        throw new RegistryError("UNAVAILABLE", "another process wrote to the new data folder; restart this server");
      }
      for (const name of await disk.list(layout.temporary)) await disk.remove(`${layout.temporary}/${name}`);
      opened.resolve();
    })();
    preparing.catch(() => {
      preparing = undefined;
    });
    return preparing;
  };
  const takeLock = async (): Promise<void> => {
    lock ??= await (options.lock ?? lockFolder)(layout.lock, () => {
      ended = "another process took the data folder of this server";
      options.onLost?.();
    });
  };
  const opening = async <T>(step: Promise<T>): Promise<T> => {
    try {
      return await step;
    } catch (error) {
      await letGo();
      throw error;
    }
  };
  if (!options.onlyLook && (await disk.list(root)).length > 0) await opening(prepare());

  const repositories = await opening(openRepositories(disk, layout, files, locks));
  const manifests = manifestFiles(disk, layout, files, (name, digest) =>
    onDamage?.(`the manifest ${digest} of ${name} is damaged; push it again`),
  );
  const tags = tagFiles(disk, layout, files, (name, tag) =>
    onDamage?.(`the tag ${name}:${tag} is damaged; push it again`),
  );
  const verified = blobFiles({
    onDamage: ({ digest }) => onDamage?.(`the blob ${digest} is damaged; it is not served until it is pushed again`),
  });

  const blobs = blobStore({
    disk,
    layout,
    files,
    verified,
    quarantine: async (digest) => {
      const aside = layout.quarantined(digest, now());
      await files.place(layout.blob(digest), aside);
      await files.settle(layout.blob(digest), aside);
    },
    heal: async (digest, size) => {
      const copy = await options.findCopy?.(digest);
      const temporary = files.temporaryPath();
      if (!copy || !(await fetchCopy(disk, temporary, copy, digest, size))) return false;
      await blobs.hold(digest, async () => files.settle(await blobs.adopt(temporary, digest, size)));
      return true;
    },
  });

  /** Makes a blob out of a complete and synced file, and gives it to a repository. */
  const publish = (name: string, file: string, digest: Digest, size: number): Promise<void> =>
    locks.shared(name, async () => {
      leases.renew(name);
      await blobs.hold(digest, async () => {
        const isNew = (await blobs.sizeOf(digest)) === undefined;
        const path = await blobs.adopt(file, digest, size);
        try {
          await link(await repositories.findOrCreate(name), digest, size);
        } catch (error) {
          // No repository has it, and what fills the disk may be just this.
          if (isNew) await files.erase(path).catch(() => {});
          throw error;
        }
      });
    });

  /** The blob has to be held, and the repository's lock shared. */
  const link = async (state: RepositoryState, digest: Digest, size: number): Promise<void> => {
    // First, so that a repository that has it after a crash can read it.
    await files.settle(layout.blob(digest));
    const membership = layout.membership(state.name, digest, size);
    try {
      await files.mark(membership);
      await files.settle(membership);
    } catch (error) {
      if (!state.blobs.has(digest)) await files.erase(membership).catch(() => {});
      throw error;
    }
    state.blobs.set(digest, size);
    collecting.linked(digest);
    repositories.changed(state);
  };

  const hasher = options.hasher ?? fileHasher();
  const uploading = openUploads({
    hasher,
    disk,
    layout,
    limits: { ...UPLOAD_LIMITS, ...options.limits },
    sync,
    now,
    publish,
  });
  const uploads = await opening(uploading);
  isOpen = true;

  const removeRepository = async (state: RepositoryState): Promise<void> => {
    if (state.blobs.size > 0 || state.manifests.size > 0) return;
    const folder = layout.repository(state.name);
    for (const subject of await disk.list(`${folder}/referrers`)) {
      for (const digest of await disk.list(`${folder}/referrers/${subject}`)) {
        await files.erase(`${folder}/referrers/${subject}/${digest}`);
      }
      await files.eraseFolder(`${folder}/referrers/${subject}`);
    }
    for (const kind of ["blobs", "manifests", "tags", "referrers"]) await files.eraseFolder(`${folder}/${kind}`);
    if (await files.eraseFolder(folder)) await files.settle(folder);
  };

  const collecting = collector({
    disk,
    layout,
    files,
    repositories,
    manifests,
    blobs,
    uploads,
    locks,
    leases,
    now,
    removeRepository,
  });

  const find = async (name: string): Promise<RepositoryState> => {
    const state = await repositories.find(name);
    if (!state) throw new RegistryError("NAME_UNKNOWN", name);
    return state;
  };
  const sizeIn = (state: RepositoryState, digest: Digest): number => {
    const size = state.blobs.get(digest);
    if (size === undefined) throw new RegistryError("BLOB_UNKNOWN", digest);
    return size;
  };
  const findManifest = async (name: string, reference: Reference): Promise<StoredManifest> => {
    const state = await find(name);
    const digest = refersByDigest(reference) ? reference : await tags.read(state, reference);
    const known = digest && state.manifests.has(digest) ? await manifests.read(name, digest) : undefined;
    if (!known) throw new RegistryError("MANIFEST_UNKNOWN", reference);
    return known;
  };
  const assertUnused = async (state: RepositoryState, digest: Digest): Promise<void> => {
    // What is damaged is of no use to anything.
    if (deleteInUse || (state.manifests.has(digest) && !(await manifests.read(state.name, digest)))) return;
    const uses = await usesOf(state, manifests);
    if (!uses) throw new RegistryError("UNSUPPORTED", "a manifest of this repository is damaged; push it again first");
    const user = userOf(uses, digest);
    if (user) throw inUse(digest, user);
  };

  const registry: Partial<Registry> = {
    async getBlob(name, digest, { range } = {}) {
      const size = sizeIn(await find(name), digest);
      const { start, end } = resolveRange(range, size);
      const body = await blobs.open(digest, size, { start, end });
      return { descriptor: { mediaType: MEDIA_TYPES.blob, digest, size }, range: { start, end }, body };
    },
    async statBlob(name, digest) {
      const state = await find(name);
      // Before it is looked up: from here on the collection sees that somebody counts on it.
      leases.renew(name);
      const size = sizeIn(state, digest);
      await blobs.stat(digest, size);
      return { mediaType: MEDIA_TYPES.blob, digest, size };
    },
    getManifest: findManifest,
    async statManifest(name, reference) {
      return (await findManifest(name, reference)).descriptor;
    },

    async startUpload(name, { algorithm = "sha256", client = "" } = {}) {
      await prepare();
      leases.renew(name);
      return uploads.start(name, algorithm, client);
    },
    async resumeUpload(name, id) {
      const upload = await uploads.resume(name, id);
      if (!upload) throw new RegistryError("BLOB_UPLOAD_UNKNOWN", id);
      return upload;
    },
    async mountBlob(name, digest, { from } = {}) {
      const source = from === undefined ? await repositories.holder(digest) : await repositories.find(from);
      const size = source?.blobs.get(digest);
      if (source === undefined || size === undefined) throw new RegistryError("BLOB_UNKNOWN", digest);
      leases.renew(source.name);
      leases.renew(name);
      await blobs.stat(digest, size);
      await locks.shared(name, () =>
        blobs.hold(digest, async () => {
          if ((await blobs.sizeOf(digest)) !== size) throw new RegistryError("BLOB_UNKNOWN", digest);
          await link(await repositories.findOrCreate(name), digest, size);
        }),
      );
      return { mediaType: MEDIA_TYPES.blob, digest, size };
    },
    async pushManifest(name, { mediaType: given, bytes, digest = digestOf(bytes) }, wanted = []) {
      const actual = digestOf(bytes, hashAlgorithmOf(digest));
      if (actual !== digest) throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
      const { mediaType, json } = readPushedManifest(bytes, given);
      const descriptor = { mediaType, digest, size: bytes.length };
      const facts = factsOf(descriptor, json);
      await prepare();
      leases.renew(name);
      return locks.shared(name, async () => {
        const state = await repositories.findOrCreate(name);
        const sizes = await sizesOf(state, partsOf(facts));
        assertParts(mediaType, facts, (part) => sizes.get(part), { sparse });
        const { subject } = facts;
        if (subject) {
          const marker = layout.referrer(name, subject, digest);
          await files.mark(marker);
          await files.settle(marker);
        }
        const stored = state.manifests.has(digest) ? await manifests.read(name, digest) : undefined;
        if (stored?.descriptor.mediaType !== mediaType) {
          try {
            await manifests.write(name, { descriptor, bytes }, facts);
          } catch (error) {
            // It was refused, so it should not be there after the next start.
            if (!state.manifests.has(digest)) await files.erase(layout.manifest(name, digest)).catch(() => {});
            throw error;
          }
          state.manifests.add(digest);
          state.uses?.set(digest, partsOf(facts));
          repositories.changed(state);
        }
        for (const tag of wanted) await tags.write(state, tag, digest);
        return { descriptor, ...(subject ? { subject } : {}) };
      });
    },

    async deleteBlob(name, digest) {
      await find(name);
      await locks.alone(name, async () => {
        const state = await find(name);
        const size = sizeIn(state, digest);
        await assertUnused(state, digest);
        // What is in memory follows the disk at once, and only the answer waits until it is durable.
        await files.erase(layout.membership(name, digest, size));
        state.blobs.delete(digest);
        repositories.changed(state);
        await files.settleFolder(layout.memberships(name));
        await removeRepository(state);
      });
    },
    async deleteManifest(name, digest) {
      await find(name);
      await locks.alone(name, async () => {
        const state = await find(name);
        if (!state.manifests.has(digest)) throw new RegistryError("MANIFEST_UNKNOWN", digest);
        await assertUnused(state, digest);
        const subject = (await manifests.read(name, digest))?.subject;
        // Also without tags: one that was moved away from it, and not durably, must not come back to find nothing.
        await tags.remove(state, await tags.of(state, digest));
        await files.erase(layout.manifest(name, digest));
        state.manifests.delete(digest);
        state.uses?.delete(digest);
        manifests.forget(name, digest);
        repositories.changed(state);
        await files.settleFolder(layout.manifests(name));
        // A mark of a manifest that is gone says nothing, so it need not be gone for good.
        if (subject) await files.erase(layout.referrer(name, subject, digest));
        await removeRepository(state);
      });
    },
    async deleteTag(name, tag) {
      await find(name);
      await locks.alone(name, async () => {
        const state = await find(name);
        if (!state.tags.has(tag)) throw new RegistryError("MANIFEST_UNKNOWN", tag);
        await tags.remove(state, [tag]);
      });
    },

    listRepositories: ({ after = "" } = {}) => repositories.list(after),
    listTags: (name, { after = "" } = {}) => later(async () => listOf((await find(name)).tags.after(after))),
    async *listReferrers(name, subject, options = {}) {
      const state = await repositories.find(name);
      if (!state) return;
      const { after = "" } = options;
      const marked = (await disk.list(layout.referrers(name, subject))).flatMap((file) => digestNamedBy(file) ?? []);
      for (const digest of marked.filter((each) => each > after && state.manifests.has(each)).sort()) {
        const manifest = await manifests.read(name, digest);
        if (manifest?.subject === subject && isOfType(manifest.referrer, options)) yield manifest.referrer;
      }
    },
  };

  /** Of these parts, the sizes of those that can be read in the repository. */
  const sizesOf = async (state: RepositoryState, parts: readonly Digest[]): Promise<Map<Digest, number>> => {
    const sizes = new Map<Digest, number>();
    for (const digest of new Set(parts)) {
      const size = state.blobs.get(digest);
      if (size !== undefined && (await blobs.stat(digest, size).then(() => true, isUnknown))) sizes.set(digest, size);
      else if (state.manifests.has(digest)) {
        const manifest = await manifests.read(state.name, digest);
        if (manifest) sizes.set(digest, manifest.descriptor.size);
      }
    }
    return sizes;
  };

  return {
    opened: opened.promise,
    mayHave: repositories.mayHave,
    registry: translated(complete(registry, "it cannot be done here"), assertOurs),
    async collect(collectOptions) {
      assertOurs();
      await preparing;
      return collecting.collect(collectOptions);
    },
    async close() {
      ended ??= "the server is stopping";
      await hasher.end();
      await letGo();
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

function isUnknown(error: unknown): false {
  if (error instanceof RegistryError && error.code === "BLOB_UNKNOWN") return false;
  throw error;
}

/** What the system has no room or no means for is a refusal that a client understands; the rest is a fault. */
function translated(registry: Registry, assertOurs: () => void): Registry {
  const translate = (error: unknown): never => {
    const code = codeOf(error);
    if (isFull(error)) throw new RegistryError("INSUFFICIENT_STORAGE", undefined, { cause: error });
    if (code === "EMFILE" || code === "ENFILE") {
      throw new RegistryError("UNAVAILABLE", "too many files are open", { cause: error });
    }
    throw error;
  };
  const reading =
    <Args extends unknown[], T>(method: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      method(...args).catch(translate);
  const writing = <Args extends unknown[], T>(method: (...args: Args) => Promise<T>) =>
    reading(async (...args: Args): Promise<T> => {
      assertOurs();
      return method(...args);
    });
  const upload = (inner: Upload): Upload => ({
    id: inner.id,
    get size() {
      return inner.size;
    },
    append: writing(inner.append),
    commit: writing(inner.commit),
    cancel: writing(inner.cancel),
  });
  return {
    ...registry,
    getBlob: reading(registry.getBlob),
    statBlob: reading(registry.statBlob),
    getManifest: reading(registry.getManifest),
    statManifest: reading(registry.statManifest),
    startUpload: writing((...args: Parameters<Registry["startUpload"]>) => registry.startUpload(...args).then(upload)),
    resumeUpload: writing((...args: Parameters<Registry["resumeUpload"]>) =>
      registry.resumeUpload(...args).then(upload),
    ),
    mountBlob: writing(registry.mountBlob),
    pushManifest: writing(registry.pushManifest),
    deleteBlob: writing(registry.deleteBlob),
    deleteManifest: writing(registry.deleteManifest),
    deleteTag: writing(registry.deleteTag),
  };
}
