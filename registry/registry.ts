import type { Digest, HashAlgorithm, Reference, Tag } from "./reference.ts";
import type { Soon } from "./soon.ts";

/**
 * What a registry is. Everything that holds bytes implements `Registry` (registry/store/), and api/ translates between it
 * and HTTP.
 *
 * Rules of all methods, asked of every implementation by test/contract.ts:
 * - The repository comes first; optional things go in one last object.
 * - What is read comes at once when it is in memory, and so may its refusal. Other methods that return a promise never throw
 *   synchronously; a list throws on its first step.
 * - Refusals are `RegistryError`s; each method names the codes it may give. Anything else that is thrown is a bug.
 * - Bytes are the product: what was stored is what is served. Type, size and digest are known before the first byte.
 * - Nothing is visible before `commit` or `pushManifest` returns.
 * - Reading a blob needs membership in the repository: no cache ever grants access.
 */
export interface Registry extends Reader, Writer, Deleter, Lister {}

export interface Reader {
  /**
   * The bytes of a blob, or the part of them that `range` asks for. Throws NAME_UNKNOWN, BLOB_UNKNOWN, RANGE_INVALID,
   * UNAVAILABLE. Whoever gets the content consumes or closes its body.
   */
  getBlob(repository: string, digest: Digest, options?: { range?: ByteRange }): Soon<Content>;
  /** What getBlob would give, without bytes. Throws NAME_UNKNOWN, BLOB_UNKNOWN, UNAVAILABLE. */
  statBlob(repository: string, digest: Digest): Soon<Descriptor>;
  /** Throws NAME_UNKNOWN, MANIFEST_UNKNOWN. */
  getManifest(repository: string, reference: Reference): Soon<ManifestContent>;
  /** What getManifest would give, without bytes. Throws NAME_UNKNOWN, MANIFEST_UNKNOWN. */
  statManifest(repository: string, reference: Reference): Soon<Descriptor>;
}

export interface Writer {
  /**
   * `client` is whoever uploads, for the limit on how much one may have open at a time. Throws UNSUPPORTED when the
   * registry cannot be written to, as all methods below do; TOOMANYREQUESTS; INSUFFICIENT_STORAGE.
   */
  startUpload(repository: string, options?: { algorithm?: HashAlgorithm; client?: string }): Promise<Upload>;
  /** Throws BLOB_UPLOAD_UNKNOWN. */
  resumeUpload(repository: string, id: string): Promise<Upload>;
  /** Makes a blob of `from` (or, without it, of any repository) readable in `repository`. Throws BLOB_UNKNOWN. */
  mountBlob(repository: string, digest: Digest, options?: { from?: string }): Promise<Descriptor>;
  /**
   * Stores the bytes as they are and points the tags at them. Without `mediaType` the manifest says itself what it is.
   * Throws MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN when a part of it is not in the repository, DENIED
   * when a tag may not be moved, INSUFFICIENT_STORAGE.
   */
  pushManifest(
    repository: string,
    manifest: { mediaType?: string; bytes: Uint8Array; digest?: Digest },
    tags?: readonly Tag[],
  ): Promise<PushedManifest>;
}

export interface Deleter {
  /** Throws NAME_UNKNOWN, BLOB_UNKNOWN, UNSUPPORTED when a manifest of the repository needs it. */
  deleteBlob(repository: string, digest: Digest): Promise<void>;
  /**
   * Removes the manifest and every tag that points at it. Throws NAME_UNKNOWN, MANIFEST_UNKNOWN, UNSUPPORTED when an index
   * of the repository needs it.
   */
  deleteManifest(repository: string, digest: Digest): Promise<void>;
  /** Removes the tag; the manifest stays. Throws NAME_UNKNOWN, MANIFEST_UNKNOWN. */
  deleteTag(repository: string, tag: Tag): Promise<void>;
}

export interface Lister {
  /** In byte order, beginning after `after`, which need not exist. */
  listRepositories(options?: { after?: string }): List<string>;
  /** In byte order, beginning after `after`, which need not exist. Throws NAME_UNKNOWN. */
  listTags(repository: string, options?: { after?: string }): List<Tag>;
  /**
   * Manifests whose `subject` is this digest, in byte order of their digests, beginning after `after`, which need not
   * exist. Unknown repositories and digests have none.
   */
  listReferrers(repository: string, subject: Digest, options?: ReferrerOptions): List<Descriptor>;
}

/**
 * A list in pieces: as many entries at a time as there are at hand, because a promise for each would be most of what a
 * list of ten thousand takes. A piece has any length, also none; where one ends means nothing.
 */
export type List<T> = AsyncIterable<readonly T[]>;

export interface ReferrerOptions {
  /** Only those of one of these types. */
  readonly artifactTypes?: readonly string[];
  readonly after?: string;
}

/** Names content by type, digest and size in bytes (image-spec, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

/** Half-open: `end` is the first byte not included, and without it the range reaches to the end of the content. */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffix: number };

/** Bytes in flight. A Node `Readable`, a web `ReadableStream` and a generator all are one. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** Content on its way out. The body has one owner, who consumes or closes it. */
export interface Content {
  /** Of the whole content, also when the body is a part of it. */
  readonly descriptor: Descriptor;
  /** Which bytes of the content the body holds. */
  readonly range: { readonly start: number; readonly end: number };
  readonly body: Body;
}

/** Manifests are small (at most 4 MiB) and always in memory. The same manifest comes as the same object. */
export interface ManifestContent {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** The forms that bytes can have on their way out; the HTTP side picks the cheapest way to send each. */
export type Body = BytesBody | StreamBody | FileBody;

/** Bytes that are in memory. */
export interface BytesBody {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
}

/** Bytes that come as they are made or checked. Reading to the end closes the body; leaving early needs `close`. */
export interface StreamBody {
  readonly kind: "stream";
  readonly stream: ByteStream;
  close(): Promise<void>;
}

/** Bytes of an open file whose content has been verified. */
export interface FileBody {
  readonly kind: "file";
  readonly fd: number;
  /** Where the file was opened, for whoever opens it again: another process, or a server in front of this one. */
  readonly path: string;
  /** Which file it is, and in which state: by that another process knows that it has opened the same. */
  readonly identity: string;
  /** Whether the file is only ever moved and removed, and never written again. */
  readonly onlyMoved: boolean;
  /** Where in the file the body begins, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Whether the file is still the one that was verified; to be asked before the last bytes are sent. */
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** An upload that survives the connection that started it. */
export interface Upload {
  readonly id: string;
  /** Bytes received so far. */
  readonly size: number;
  /**
   * Adds bytes. Throws RANGE_INVALID when they do not fit, or when another request is adding some, and leaves the upload
   * as it was; SIZE_INVALID and INSUFFICIENT_STORAGE, and the upload is gone. When the body breaks off, what came of it
   * stays, and the client can go on from there.
   */
  append(piece: Piece): Promise<void>;
  /**
   * Adds the last bytes, checks the digest of all, and publishes the blob. Throws what append throws, and DIGEST_INVALID,
   * which leaves the upload as it was.
   */
  commit(digest: Digest, last?: Piece): Promise<Descriptor>;
  cancel(): Promise<void>;
}

/** A part of a blob on its way in. */
export interface Piece {
  readonly body: ByteStream;
  /** Where it belongs, which has to be where the last one ended. Without it, it belongs there. */
  readonly start?: number;
  /** The first byte after it, when it is known beforehand: a body of another length is refused. */
  readonly end?: number;
  /** Whoever takes a chunk of the body owns the whole memory that it is in: nobody else looks at it again. */
  readonly transferable?: boolean;
}

export interface PushedManifest {
  readonly descriptor: Descriptor;
  /** The digest of the manifest's `subject`, if it has one. */
  readonly subject?: Digest;
}
