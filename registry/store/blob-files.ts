import { createHash, type Hash } from "node:crypto";
import { type BigIntStats, stat as statCallback } from "node:fs";
import { promisify } from "node:util";
import type { FileRange } from "../archive/files.ts";
import { partOf, readAll, streamOf } from "../content.ts";
import { RegistryError } from "../errors.ts";
import { algorithmOf, type Digest, digestFrom } from "../reference.ts";
import type { Body, ByteStream, Content, FileBody } from "../registry.ts";
import { type Soon, whenHere } from "../soon.ts";
import { byteCache } from "./byte-cache.ts";
import { isExhausted } from "./exhausted.ts";
import { fileBody } from "./file-body.ts";
import { identityOf, stateOf } from "./file-state.ts";
import { type Finding, MISMATCH } from "./findings.ts";
import { type OpenFile, openFiles } from "./open-files.ts";

const statLater = promisify(statCallback);
const stat = (path: string) => statLater(path, { bigint: true });

/** Up to this size a blob is read and checked before the first byte is sent, so that a wrong one is a clean refusal. */
const CHECK_FIRST_LIMIT = 1024 * 1024;

/** Up to this size a blob is kept in memory, where it is found three times as fast as in an open file. */
const SMALL_LIMIT = 64 * 1024;

/** What all of those may take, in bytes. */
const SMALL_BUDGET = 16 * 1024 * 1024;

/** What keeping one takes beside its bytes. */
const SMALL_COST = 512;

/** About 100 MB of memory. */
const VERDICT_LIMIT = 250_000;

/** Blobs that lie in files, and which of them have been proved to match their digests. */
export interface BlobFiles {
  /** Throws BLOB_UNKNOWN when the file is gone, has another size, or is known to hold other bytes; UNAVAILABLE as `open`. */
  stat(file: FileRange, digest: Digest): Promise<void>;
  /**
   * The bytes from `start` to `end`. What was never checked is checked on its way out, and the last bytes are held back
   * until the digest matches; a part is only given of what was checked. Throws BLOB_UNKNOWN, and UNAVAILABLE when no
   * more files can be opened, or other bytes are there because the file has just been replaced.
   */
  open(file: FileRange, digest: Digest, part: Part): Soon<Body>;
  /** Whether the bytes have been proved to match; false also when nobody has looked yet. */
  isGood(file: FileRange, digest: Digest): Promise<boolean>;
  /** Whether the file is there and holds something else, as far as anybody has looked. */
  isDamaged(file: FileRange, digest: Digest): Promise<boolean>;
  /** Takes the file as it is now for good: its bytes were hashed while they were written. */
  trust(file: FileRange, digest: Digest): Promise<void>;
}

export interface BlobFilesOptions {
  /** Hears once of each blob that is not what its name says. */
  readonly onDamage?: (finding: Finding) => void;
  /** Whether the file at a path is another one than that of which the offsets and digests are known. */
  readonly isReplaced?: (path: string) => boolean;
  /** Files are moved and removed, and never written again: a move, which changes the time of change, ends no transfer. */
  readonly onlyMoved?: boolean;
}

/** Checks blobs when they are first read, and remembers the verdicts. */
export function blobFiles({ onDamage, isReplaced = () => false, onlyMoved = false }: BlobFilesOptions = {}): BlobFiles {
  /** By file, place and digest. What a verdict is about is a state of the file, so it ends when the file is written. */
  const verdicts = new Map<string, boolean>();
  const checking = new Map<string, Promise<boolean>>();
  const files = openFiles();
  /** Small blobs by digest, which says all of them: whether one is still to be had, the caller has found out before. */
  const small = byteCache<Uint8Array>(SMALL_BUDGET);
  /** Blobs that are being checked on their way to a client: the first one, because each holds its bytes back. */
  const streaming = new Set<string>();

  const judge = ({ key, state, replaced, file: { path, offset }, digest }: Judged, matches: boolean): boolean => {
    // Nobody said that this digest is in the new file.
    if (!matches && replaced) throw beingReplaced(digest);
    if (!matches && verdicts.get(key) !== false) onDamage?.({ path, offset, digest, reason: MISMATCH, state });
    // Files change; what was said of their old states is never asked again. A verdict that is lost is only found again.
    if (verdicts.size >= VERDICT_LIMIT) verdicts.clear();
    verdicts.set(key, matches);
    return matches;
  };

  /** Several readers of one blob wait for one check. */
  const check = (judged: Judged, whole: FileBody): Promise<boolean> => {
    const start = () =>
      matches(streamOf({ ...whole, close: async () => {} }), judged.digest)
        .then((result) => judge(judged, result))
        .finally(() => checking.delete(judged.key));
    const running = checking.get(judged.key) ?? start();
    checking.set(judged.key, running);
    return running;
  };

  const verdictOn = async (file: FileRange, digest: Digest): Promise<boolean | undefined> => {
    const stats = await stat(file.path).catch(() => undefined);
    if (!stats) return undefined;
    return fits(stats, file) ? verdicts.get(keyOf(stats, file, digest)) : false;
  };

  /** Only what is proved: of a file that is still open, anything else may be about another one that has its path now. */
  const openKept = async (file: FileRange, digest: Digest): Promise<OpenFile | undefined> => {
    const kept = await files.kept(file.path);
    if (!kept || verdicts.get(keyOf(kept.stats, file, digest)) === true) return kept;
    await kept.close();
    return undefined;
  };

  /** Throws when the file cannot hold the blob. */
  const examine = ({ stats }: OpenFile, file: FileRange, digest: Digest): Judged => {
    if (!fits(stats, file)) throw misfit(file, digest);
    const key = keyOf(stats, file, digest);
    // Asked now: when the bytes have been read, the new file may be the known one.
    const replaced = !verdicts.has(key) && isReplaced(file.path);
    return { key, state: stateOf(stats), replaced, file, digest };
  };

  /** Checked each time that it is read, because that costs less than reading. */
  const readSmall = async (file: FileRange, digest: Digest): Promise<Uint8Array> => {
    const open = await files.open(file.path).catch(refuse(digest));
    try {
      const judged = examine(open, file, digest);
      if (verdicts.get(judged.key) === false) throw damaged(digest);
      const bytes = await readAll(streamOf(fileBody(open, file, { onlyMoved })));
      const hash = createHash(algorithmOf(digest)).update(bytes);
      if (!judge(judged, hasDigest(hash, digest))) throw damaged(digest);
      small.set(digest, bytes, bytes.length + SMALL_COST);
      return bytes;
    } finally {
      await open.close();
    }
  };

  const misfit = ({ path }: FileRange, digest: Digest): RegistryError =>
    isReplaced(path) ? beingReplaced(digest) : new RegistryError("BLOB_UNKNOWN", `the file of ${digest} has changed`);

  const openLarge = async (file: FileRange, digest: Digest, { start, end }: Part): Promise<Body> => {
    const kept = await openKept(file, digest);
    const open = kept ?? (await files.open(file.path).catch(refuse(digest)));
    try {
      const whole = fileBody(open, file, { onlyMoved });
      const part = partOf(whole, { start, end });
      if (kept) return part;
      const judged = examine(open, file, digest);
      const verdict = verdicts.get(judged.key);
      const isWhole = start === 0 && end === file.size;
      if (verdict === undefined && isWhole && file.size > CHECK_FIRST_LIMIT && !streaming.has(judged.key)) {
        streaming.add(judged.key);
        const checked = checkedStream(whole, digest, (result) => judge(judged, result));
        const release = () => whole.close().finally(() => streaming.delete(judged.key));
        return { kind: "stream", stream: checked, close: release };
      }
      if (!(verdict ?? (await check(judged, whole)))) throw damaged(digest);
      return part;
    } catch (error) {
      await open.close();
      throw error;
    }
  };

  return {
    isGood: async (file, digest) => (await verdictOn(file, digest)) === true,
    isDamaged: async (file, digest) => (await verdictOn(file, digest)) === false,
    async trust(file, digest) {
      const stats = await stat(file.path).catch(refuse(digest));
      if (!fits(stats, file)) throw misfit(file, digest);
      judge({ key: keyOf(stats, file, digest), state: stateOf(stats), replaced: false, file, digest }, true);
    },
    async stat(file, digest) {
      if (file.size <= SMALL_LIMIT && small.get(digest)) return;
      const stats = await stat(file.path).catch(refuse(digest));
      if (!fits(stats, file)) throw misfit(file, digest);
      if (verdicts.get(keyOf(stats, file, digest)) === false) throw damaged(digest);
    },

    open: (file, digest, part) =>
      file.size > SMALL_LIMIT
        ? openLarge(file, digest, part)
        : whenHere(small.get(digest) ?? readSmall(file, digest), (bytes) => partOf({ kind: "bytes", bytes }, part)),
  };
}

/** Which bytes of a blob are wanted. */
type Part = Content["range"];

/** What a verdict is about: a blob in a file as it is. */
interface Judged {
  readonly key: string;
  readonly state: string;
  readonly replaced: boolean;
  readonly file: FileRange;
  readonly digest: Digest;
}

/** The bytes as they are read; throws instead of giving the last of them when they do not match the digest. */
async function* checkedStream(body: FileBody, digest: Digest, judge: (matches: boolean) => boolean): ByteStream {
  const hash = createHash(algorithmOf(digest));
  let held: Uint8Array | undefined;
  for await (const chunk of streamOf(body)) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (!judge(hasDigest(hash, digest))) throw damaged(digest);
  if (held) yield held;
}

async function matches(stream: ByteStream, digest: Digest): Promise<boolean> {
  const hash = createHash(algorithmOf(digest));
  for await (const chunk of stream) hash.update(chunk);
  return hasDigest(hash, digest);
}

const hasDigest = (hash: Hash, digest: Digest): boolean =>
  digestFrom(algorithmOf(digest), hash.digest("hex")) === digest;

/** A file that holds nothing but the blob has exactly its size. */
function fits(stats: BigIntStats, { offset, size }: FileRange): boolean {
  const exact = offset > 0 || stats.size === BigInt(size);
  return stats.isFile() && stats.size >= BigInt(offset + size) && exact;
}

const keyOf = (stats: BigIntStats, { offset, size }: FileRange, digest: Digest): string =>
  `${identityOf(stats)}:${offset}+${size}:${digest}`;

const damaged = (digest: Digest): RegistryError =>
  new RegistryError("BLOB_UNKNOWN", `the stored bytes do not match ${digest}`);

/** Clients ask again after 503, and never after 404; layers that old and new image share are there then. */
const beingReplaced = (digest: Digest): RegistryError =>
  new RegistryError("UNAVAILABLE", `the archive of ${digest} is being replaced`);

/** What failing to open means for the client: there is no such blob (any more), or no descriptor left for it. */
function refuse(digest: Digest): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (isExhausted(error)) throw new RegistryError("UNAVAILABLE", "too many files are open", { cause: error });
    throw new RegistryError("BLOB_UNKNOWN", `the file of ${digest} is gone or cannot be read`, { cause: error });
  };
}
