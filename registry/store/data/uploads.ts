import { randomUUID } from "node:crypto";
import { basename, join } from "node:path";
import { RegistryError } from "../../errors.ts";
import { MEDIA_TYPES } from "../../media-types.ts";
import { type Digest, type HashAlgorithm, hashAlgorithmOf } from "../../reference.ts";
import type { Descriptor, Piece, Upload } from "../../registry.ts";
import { codeOf, type Disk, type DiskFile, isFull } from "./disk.ts";
import type { FileHasher } from "./file-hasher.ts";
import type { Layout } from "./layout.ts";
import { type Hashing, type UploadHash, uploadHash } from "./upload-hash.ts";
import type { UploadLimits } from "./upload-limits.ts";

/** What clients are sending. The file of a session is all there is of it, so it survives a restart. */
export interface Uploads {
  /** How many are open, with those that an earlier process left. */
  readonly open: number;
  start(repository: string, algorithm: HashAlgorithm, client: string): Promise<Upload>;
  /** Undefined when there is no such session in this repository. */
  resume(repository: string, id: string): Promise<Upload | undefined>;
  /** Whether somebody sends to a repository, or did until a moment ago (ms). */
  isActive(repository: string, since: number): boolean;
  /** Gives up the sessions that nobody has used for too long. Returns how many. */
  expire(): Promise<number>;
}

/** Takes over the complete file of an upload, synced, and makes it a blob of the repository. */
export type Publish = (repository: string, file: string, digest: Digest, size: number) => Promise<void>;

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly algorithm: HashAlgorithm;
  readonly path: string;
  readonly client: string;
  size: number;
  /** Of the bytes so far. */
  hash: UploadHash;
  /** A request is writing, or finishing. */
  busy: boolean;
  /** Cancelled or finished; whoever still writes to it has to stop. */
  ended: boolean;
  /** Why the disk failed: what is in the file may not be what is in memory. It is not tried again. */
  failure: unknown;
  /** When it was last used, in ms since 1970. */
  used: number;
}

/** This much is gathered before it is written; one write is under way while the next is gathered. */
const BATCH = 1024 * 1024;
/** When all uploads together have gathered so much, each gathers little: nobody knows which of them go on. */
const GATHERED = 64 * 1024 * 1024;
const SMALL_BATCH = 64 * 1024;
/** After so many bytes the disk is asked to begin writing them down, so that the sync at the end is short. */
const WRITE_BACK = 32 * 1024 * 1024;

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface UploadOptions {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly limits: UploadLimits;
  readonly sync: boolean;
  readonly now: () => number;
  readonly publish: Publish;
  readonly hasher: FileHasher;
}

export async function openUploads(options: UploadOptions): Promise<Uploads> {
  const { disk, layout, limits, sync, now, publish, hasher } = options;
  const sessions = new Map<string, Session>();
  /** Files that an earlier process left and that nobody has asked for since: their sizes and times of change. */
  const left = new Map<string, { readonly size: number; readonly modified: number }>();
  let space = 0;
  const all = { gathered: 0 };
  const hashing: Hashing = { hasher, held: 0 };

  for (const name of await disk.list(layout.uploads)) {
    const state = await disk.stat(join(layout.uploads, name));
    if (!state) continue;
    left.set(name, state);
    space += state.size;
  }

  const forget = (session: Session): void => {
    if (session.ended) return;
    session.ended = true;
    session.hash.close();
    sessions.delete(session.id);
    space -= session.size;
  };
  const end = async (session: Session): Promise<void> => {
    forget(session);
    await disk.remove(session.path);
  };
  const resize = (session: Session, size: number): void => {
    if (!session.ended) space += size - session.size;
    session.size = size;
  };

  /** A body that breaks off leaves what came of it; everything else that fails leaves nothing. */
  const receive = async (session: Session, file: DiskFile, piece: Piece): Promise<void> => {
    const { start, end: last } = piece;
    if (start !== undefined && start !== session.size) {
      throw new RegistryError("RANGE_INVALID", `the next byte is ${session.size}, not ${start}`);
    }
    const before = session.size;
    try {
      await pour(session, file, piece);
      if (last !== undefined && session.size !== last) {
        throw new RegistryError("RANGE_INVALID", `the piece has ${session.size - before} bytes, not ${last - before}`);
      }
    } catch (error) {
      if (error instanceof RegistryError && error.code === "RANGE_INVALID") await rollBack(session, file, before);
      throw error;
    }
  };

  const withFile = async <T>(session: Session, action: (file: DiskFile) => Promise<T>): Promise<T> => {
    const file = await disk.open(session.path);
    if (!file) throw await lost(session);
    try {
      return await action(file);
    } finally {
      await file.close();
    }
  };

  const pour = async (
    session: Session,
    file: DiskFile,
    { body, end: last, transferable = false }: Piece,
  ): Promise<void> => {
    const writer = batchWriter(file, session, { sync, transferable, resize, all });
    try {
      for await (const chunk of body) {
        if (session.ended) throw unknown(session.id);
        const size = session.size + writer.pending() + chunk.length;
        if (last !== undefined && size > last)
          throw new RegistryError("RANGE_INVALID", "the piece is longer than it says");
        if (size > limits.blobSize)
          throw new RegistryError("SIZE_INVALID", `a blob has at most ${limits.blobSize} bytes`);
        if (space + writer.pending() + chunk.length > limits.uploadSpace) throw full(limits);
        await writer.add(chunk);
        session.used = now();
      }
    } catch (error) {
      await writer.flush().catch(() => {});
      throw error;
    }
    await writer.flush();
  };

  const rollBack = async (session: Session, file: DiskFile, size: number): Promise<void> => {
    if (session.ended) return;
    try {
      await file.truncate(size);
    } catch (error) {
      session.failure ??= error;
      throw error;
    }
    resize(session, size);
    hashAgain(session, session.algorithm);
  };
  const hashAgain = (session: Session, algorithm: HashAlgorithm): void => {
    session.hash.close();
    session.hash = uploadHash(hashing, session.path, algorithm, session.size === 0);
  };

  const lost = async (session: Session): Promise<RegistryError> => {
    await end(session);
    return unknown(session.id);
  };

  const commit = async (session: Session, digest: Digest, last: Piece | undefined): Promise<Descriptor> => {
    const algorithm = hashAlgorithmOf(digest);
    const before = session.size;
    await withFile(session, async (file) => {
      if (last) await receive(session, file, last);
      if (session.hash.algorithm !== algorithm) hashAgain(session, algorithm);
      const syncing = sync ? synced(session, file) : undefined;
      // Before it is waited for: the digest of a large blob may take as long.
      syncing?.catch(() => {});
      const actual = await session.hash.digest(file, session.size);
      await syncing;
      if (actual !== digest) {
        await rollBack(session, file, before);
        throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
      }
    });
    if (session.ended) throw unknown(session.id);
    try {
      await publish(session.repository, session.path, digest, session.size);
    } catch (error) {
      // Cancelled meanwhile, or its file was taken over and what came after failed: there is nothing to go on with.
      if (session.ended) throw unknown(session.id);
      if (!(await disk.stat(session.path).catch(() => true))) forget(session);
      throw error;
    }
    forget(session);
    return { mediaType: MEDIA_TYPES.blob, digest, size: session.size };
  };

  /** A sync that failed is not tried again: the system may have dropped the bytes, and would call the next one a success. */
  const synced = async (session: Session, file: DiskFile): Promise<void> => {
    try {
      await file.sync();
    } catch (error) {
      session.failure ??= error;
      throw error;
    }
  };

  /** One request at a time: two that write to one session would mix their bytes. */
  const exclusively = async <T>(session: Session, action: () => Promise<T>): Promise<T> => {
    if (session.ended) throw unknown(session.id);
    if (session.busy) throw new RegistryError("RANGE_INVALID", "another request is sending to this upload");
    session.busy = true;
    session.used = now();
    try {
      return await action();
    } catch (error) {
      if (session.failure !== undefined || endsUpload(error)) await end(session);
      throw error;
    } finally {
      session.busy = false;
      session.used = now();
    }
  };

  const uploadOf = (session: Session): Upload => ({
    id: session.id,
    get size() {
      return session.size;
    },
    append: (piece) => exclusively(session, () => withFile(session, (file) => receive(session, file, piece))),
    commit: (digest, last) => exclusively(session, () => commit(session, digest, last)),
    cancel: () => end(session),
  });

  /** A folder that somebody removed is made again. */
  const createIn = (folder: string, path: string): Promise<DiskFile> =>
    disk.create(path).catch(async (error) => {
      if (codeOf(error) !== "ENOENT") throw error;
      await disk.makeFolder(folder);
      return disk.create(path);
    });

  const find = (repository: string, id: string): Session | undefined => {
    const known = sessions.get(id);
    if (known || !ID.test(id)) return known?.repository === repository ? known : undefined;
    for (const algorithm of ["sha256", "sha512"] as const) {
      const path = layout.upload(repository, id, algorithm);
      const state = left.get(basename(path));
      if (!state) continue;
      const hash = uploadHash(hashing, path, algorithm, state.size === 0);
      const session = { id, repository, algorithm, path, client: "", hash, size: state.size, used: now(), ...FRESH };
      sessions.set(id, session);
      left.delete(basename(path));
      return session;
    }
    return undefined;
  };

  return {
    get open() {
      return sessions.size + left.size;
    },
    async start(repository, algorithm, client) {
      const open = [...sessions.values()].filter((session) => session.client === client).length;
      if (client !== "" && open >= limits.uploadsPerClient) {
        throw new RegistryError("TOOMANYREQUESTS", `${open} uploads are open; finish or cancel some`);
      }
      const id = randomUUID();
      const path = layout.upload(repository, id, algorithm);
      const hash = uploadHash(hashing, path, algorithm, true);
      const session: Session = { id, repository, algorithm, path, client, hash, size: 0, used: now(), ...FRESH };
      sessions.set(id, session);
      try {
        await (await createIn(layout.uploads, path)).close();
      } catch (error) {
        sessions.delete(id);
        throw error;
      }
      return uploadOf(session);
    },
    async resume(repository, id) {
      const session = find(repository, id);
      return session && !session.ended ? uploadOf(session) : undefined;
    },
    isActive(repository, since) {
      for (const session of sessions.values()) {
        if (session.repository === repository && (session.busy || session.used >= since)) return true;
      }
      return false;
    },
    async expire() {
      const before = now() - limits.uploadExpiry;
      const old = [...sessions.values()].filter(({ busy, used }) => !busy && used < before);
      for (const session of old) await end(session);
      const files = [...left].filter(([, { modified }]) => modified < before);
      for (const [name, { size }] of files) {
        left.delete(name);
        space -= size;
        await disk.remove(join(layout.uploads, name));
      }
      return old.length + files.length;
    },
  };
}

const FRESH = { busy: false, ended: false, failure: undefined };

const unknown = (id: string): RegistryError => new RegistryError("BLOB_UPLOAD_UNKNOWN", id);

const full = ({ uploadSpace }: UploadLimits): RegistryError =>
  new RegistryError(
    "INSUFFICIENT_STORAGE",
    `the uploads that are open take ${uploadSpace} bytes together; finish some`,
  );

/** There is no room, or no sense in going on: the bytes are let go at once. */
const endsUpload = (error: unknown): boolean =>
  isFull(error) ||
  (error instanceof RegistryError && (error.code === "SIZE_INVALID" || error.code === "INSUFFICIENT_STORAGE"));

/** Gathers chunks and writes them in large pieces. The size of the session counts what was written and hashed. */
function batchWriter(
  file: DiskFile,
  session: Session,
  {
    sync,
    transferable,
    resize,
    all,
  }: {
    sync: boolean;
    transferable: boolean;
    resize: (session: Session, size: number) => void;
    /** What all writers have gathered and not written, in bytes. */
    all: { gathered: number };
  },
) {
  let chunks: Uint8Array[] = [];
  let gathered = 0;
  let writing: Promise<void> = Promise.resolve();
  let underWay = 0;
  let unsynced = 0;
  let syncing: Promise<void> | undefined;

  const whole = async (attempt: Promise<void>): Promise<void> => {
    try {
      await attempt;
    } catch (error) {
      session.failure ??= error;
      throw error;
    }
  };
  const write = async (batch: readonly Uint8Array[], bytes: number): Promise<void> => {
    underWay = bytes;
    const position = session.size;
    try {
      await whole(file.write(batch, position));
    } finally {
      all.gathered -= bytes;
    }
    resize(session, position + bytes);
    underWay = 0;
    const hashing = session.hash.wrote(batch, session.size, { transferable });
    unsynced += bytes;
    if (sync && unsynced >= WRITE_BACK && !syncing) {
      unsynced = 0;
      syncing = whole(file.sync()).finally(() => {
        syncing = undefined;
      });
      syncing.catch(() => {});
    }
    await hashing;
  };
  const hand = async (): Promise<void> => {
    const batch = chunks;
    const bytes = gathered;
    try {
      await writing;
    } catch (error) {
      all.gathered -= bytes;
      throw error;
    } finally {
      chunks = [];
      gathered = 0;
    }
    if (bytes === 0) return;
    writing = write(batch, bytes);
    writing.catch(() => {});
  };
  return {
    pending: () => gathered + underWay,
    async add(chunk: Uint8Array) {
      chunks.push(chunk);
      gathered += chunk.length;
      all.gathered += chunk.length;
      if (gathered >= (all.gathered > GATHERED ? SMALL_BATCH : BATCH)) await hand();
    },
    async flush() {
      await hand();
      await writing;
      await syncing;
      // A sync in the background may have failed long ago, and the next one would succeed without those bytes.
      if (session.failure !== undefined) throw session.failure;
    },
  };
}
