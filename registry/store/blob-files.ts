import { createHash } from "node:crypto";
import {
  type BigIntStats,
  close as closeCallback,
  fstat as fstatCallback,
  open as openCallback,
  stat as statCallback,
} from "node:fs";
import { promisify } from "node:util";
import { type FileRange, OPEN_FLAGS } from "../archive/files.ts";
import { streamOf } from "../content.ts";
import { RegistryError } from "../errors.ts";
import { algorithmOf, type Digest, digestFrom } from "../reference.ts";
import type { Body, ByteStream, FileBody } from "../registry.ts";
import { stateOf } from "./file-state.ts";
import { type Finding, MISMATCH } from "./findings.ts";

const open = promisify(openCallback);
const close = promisify(closeCallback);
const fstat = (fd: number) => promisify(fstatCallback)(fd, { bigint: true });
const stat = (path: string) => promisify(statCallback)(path, { bigint: true });

/** Up to this size a blob is read and checked before the first byte is sent, so that a wrong one is a clean refusal. */
const CHECK_FIRST_LIMIT = 1024 * 1024;

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
  open(file: FileRange, digest: Digest, part: { start: number; end: number }): Promise<Body>;
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
}

/** Checks blobs when they are first read, and remembers the verdicts. */
export function blobFiles({ onDamage, isReplaced = () => false }: BlobFilesOptions = {}): BlobFiles {
  /** By file, place and digest. What a verdict is about is a state of the file, so it ends when the file is written. */
  const verdicts = new Map<string, boolean>();
  const checking = new Map<string, Promise<boolean>>();
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

  const misfit = ({ path }: FileRange, digest: Digest): RegistryError =>
    isReplaced(path) ? beingReplaced(digest) : new RegistryError("BLOB_UNKNOWN", `the file of ${digest} has changed`);

  return {
    isGood: async (file, digest) => (await verdictOn(file, digest)) === true,
    isDamaged: async (file, digest) => (await verdictOn(file, digest)) === false,
    async trust(file, digest) {
      const stats = await stat(file.path).catch(refuse(digest));
      if (!fits(stats, file)) throw misfit(file, digest);
      judge({ key: keyOf(stats, file, digest), state: stateOf(stats), replaced: false, file, digest }, true);
    },
    async stat(file, digest) {
      const stats = await stat(file.path).catch(refuse(digest));
      if (!fits(stats, file)) throw misfit(file, digest);
      if (verdicts.get(keyOf(stats, file, digest)) === false) throw damaged(digest);
    },

    async open(file, digest, { start, end }) {
      const fd = await open(file.path, OPEN_FLAGS).catch(refuse(digest));
      try {
        const stats = await fstat(fd);
        if (!fits(stats, file)) throw misfit(file, digest);
        const key = keyOf(stats, file, digest);
        const whole = fileBody(fd, stats, file.offset, file.size);
        const isWhole = start === 0 && end === file.size;
        const verdict = verdicts.get(key);
        // Asked now: when the bytes have been read, the new file may be the known one.
        const replaced = verdict === undefined && isReplaced(file.path);
        const judged = { key, state: stateOf(stats), replaced, file, digest };
        if (verdict === undefined && isWhole && file.size > CHECK_FIRST_LIMIT && !streaming.has(key)) {
          streaming.add(key);
          const checked = checkedStream(whole, digest, (result) => judge(judged, result));
          const release = () => whole.close().finally(() => streaming.delete(key));
          return { kind: "stream", stream: checked, close: release };
        }
        if (!(verdict ?? (await check(judged, whole)))) throw damaged(digest);
        return { ...whole, offset: file.offset + start, length: end - start };
      } catch (error) {
        await close(fd);
        throw error;
      }
    },
  };
}

/** What a verdict is about: a blob in a file as it is. */
interface Judged {
  readonly key: string;
  readonly state: string;
  readonly replaced: boolean;
  readonly file: FileRange;
  readonly digest: Digest;
}

function fileBody(fd: number, stats: BigIntStats, offset: number, length: number): FileBody {
  let closing: Promise<void> | undefined;
  return {
    kind: "file",
    fd,
    offset,
    length,
    unchanged: async () => isSameContent(await fstat(fd), stats),
    close: () => {
      closing ??= close(fd);
      return closing;
    },
  };
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
  if (!judge(digestFrom(algorithmOf(digest), hash.digest("hex")) === digest)) throw damaged(digest);
  if (held) yield held;
}

async function matches(stream: ByteStream, digest: Digest): Promise<boolean> {
  const hash = createHash(algorithmOf(digest));
  for await (const chunk of stream) hash.update(chunk);
  return digestFrom(algorithmOf(digest), hash.digest("hex")) === digest;
}

/** A file that holds nothing but the blob has exactly its size. */
function fits(stats: BigIntStats, { offset, size }: FileRange): boolean {
  const exact = offset > 0 || stats.size === BigInt(size);
  return stats.isFile() && stats.size >= BigInt(offset + size) && exact;
}

const identityOf = (stats: BigIntStats): string => `${stats.dev}:${stateOf(stats)}`;

/** Removing a file changes its state and not its bytes, so what is being sent of it goes on. */
const isSameContent = (now: BigIntStats, before: BigIntStats): boolean =>
  identityOf(now.nlink === before.nlink ? now : ({ ...now, ctimeNs: before.ctimeNs } as BigIntStats)) ===
  identityOf(before);

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
    const exhausted = error.code === "EMFILE" || error.code === "ENFILE";
    if (exhausted) throw new RegistryError("UNAVAILABLE", "too many files are open", { cause: error });
    throw new RegistryError("BLOB_UNKNOWN", `the file of ${digest} is gone or cannot be read`, { cause: error });
  };
}
