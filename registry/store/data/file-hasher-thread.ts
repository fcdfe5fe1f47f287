import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { discard } from "./discard.ts";
import type { CloseRequest, HashAnswer, HashRequest } from "./file-hasher.ts";

// The thread of file-hasher.ts. It reads the files itself, from where it was to what it was given of them.

interface File {
  readonly fd: number;
  readonly hash: Hash;
  /** How many bytes are hashed. */
  at: number;
}

/** Stays in the cache of a processor between reading and hashing. */
const PIECE = 256 * 1024;
/** After so many pieces of one file it is the turn of the next, so that a small upload need not wait for a large one. */
const TURN = 8;

const files = new Map<number, File>();
let queue: HashRequest[] = [];
const buffer = Buffer.allocUnsafeSlow(PIECE);

parentPort?.on("message", (message: HashRequest | CloseRequest) => {
  if (message.kind === "close") close(message.file);
  else if (queue.push(message) === 1) setImmediate(work);
});

function work(): void {
  const request = queue.shift();
  if (!request) return;
  const answer = attempt(request);
  if (answer) parentPort?.postMessage(answer);
  else queue.push(request);
  // Not at once, so that messages are heard between two turns.
  if (queue.length > 0) setImmediate(work);
}

/** Undefined when it takes more than a turn. */
function attempt(request: HashRequest): HashAnswer | undefined {
  try {
    const file = fileOf(request);
    if (!advance(file, request)) return undefined;
    const digest = request.wantsDigest ? { digest: file.hash.copy().digest("hex") } : {};
    return { request: request.request, ...digest };
  } catch (error) {
    forget(request.file);
    return { request: request.request, error: String(error) };
  }
}

function fileOf({ file, path, algorithm }: HashRequest): File {
  const known = files.get(file);
  if (known) return known;
  const opened = { fd: openSync(path, "r"), hash: createHash(algorithm), at: 0 };
  files.set(file, opened);
  return opened;
}

/** False when there is more to do. */
function advance(file: File, { size, last, wantsDigest }: HashRequest): boolean {
  if (file.at > size && wantsDigest) throw new Error(`${file.at} bytes are hashed already, not ${size}`);
  // Asked for before, and overtaken by who asked for more: they take turns.
  if (file.at >= size) {
    discard(last);
    return true;
  }
  const given = size - last.reduce((sum, { byteLength }) => sum + byteLength, 0);
  // The beginning of what was given may be known already, when it was asked for in another way.
  const end = file.at <= given ? given : size;
  if (!readTo(file, end)) return false;
  if (file.at < size) for (const memory of last) file.hash.update(new Uint8Array(memory));
  file.at = size;
  discard(last);
  return true;
}

function readTo(file: File, end: number): boolean {
  for (let piece = 0; piece < TURN && file.at < end; piece++) {
    const read = readSync(file.fd, buffer, 0, Math.min(PIECE, end - file.at), file.at);
    if (read === 0) throw new Error(`The file has ${file.at} bytes and not ${end}`);
    file.hash.update(buffer.subarray(0, read));
    file.at += read;
  }
  return file.at === end;
}

/** What is still asked for is refused: it would open the file again. */
function close(number: number): void {
  const refused = queue.filter(({ file }) => file === number);
  queue = queue.filter(({ file }) => file !== number);
  for (const { request } of refused) parentPort?.postMessage({ request, error: "The file was closed" });
  forget(number);
}

function forget(number: number): void {
  const file = files.get(number);
  files.delete(number);
  if (file) closeSync(file.fd);
}
