import { readSync } from "node:fs";
import { quote } from "../reference.ts";
import { Unusable } from "./unusable.ts";

/** What a tar says of one of its members; the bytes stay where they are. */
export type TarMember =
  | { readonly kind: "file"; readonly offset: number; readonly size: number }
  /** Another name of a member: symbolic (relative to its folder) or hard (from the top of the archive). */
  | { readonly kind: "link"; readonly target: string; readonly symbolic: boolean }
  /** Stored with holes (GNU): its bytes do not lie in one piece. */
  | { readonly kind: "sparse" };

const BLOCK = 512;
/** An archive of images has a few hundred members; this bounds time and memory for what only looks like one. */
const MEMBER_LIMIT = 250_000;
/** A member may have two more headers before its own, for a long name and for what else is to be said of it. */
const HEADER_LIMIT = 3 * MEMBER_LIMIT;
/** Names and PAX records are short; what is longer is no name. */
const RECORD_LIMIT = 1024 * 1024;

/** Whether a file begins like a tar: a header whose checksum is right. `head` are its first 512 bytes. */
export const isTar = (head: Uint8Array): boolean => head.length === BLOCK && hasChecksum(Buffer.from(head));

/**
 * The members of a tar, by name: headers only, no content is read. Names are normalised (`./a//b` is `a/b`); one that
 * leads out of the archive is left out. Of two members with one name the last counts, as when unpacking. Reads ustar, PAX
 * and GNU headers. Throws Unusable when a header is broken or a member reaches beyond the end of the file.
 */
export function indexTar(fd: number, size: number): Map<string, TarMember> {
  const members = new Map<string, TarMember>();
  const window = createWindow(fd, size);
  let globals = NONE;
  let next = NONE;
  let count = 0;
  for (let position = 0; position + BLOCK <= size; ) {
    const header = window.read(position, BLOCK);
    if (isZero(header)) {
      // Two zero blocks are the end; a single one occurs in archives that were put together.
      if (position + 2 * BLOCK > size || isZero(window.read(position + BLOCK, BLOCK))) break;
      position += BLOCK;
      continue;
    }
    if (!hasChecksum(header))
      throw new Unusable(`the tar is broken at byte ${position}: a header with a wrong checksum`);
    if (++count > HEADER_LIMIT || members.size > MEMBER_LIMIT) {
      throw new Unusable(`the tar has more than ${MEMBER_LIMIT} members`);
    }
    const type = String.fromCharCode(header[156] ?? 0);
    const length = isMeta(type) ? numberAt(header, 124, 12) : (next.size ?? globals.size ?? numberAt(header, 124, 12));
    // Before the map of a sparse member is read over it.
    const ownName = isMeta(type) ? "" : nameAt(header);
    const start = position + BLOCK + mapLength(type, header, position, window, size);
    const stored = HAS_NO_CONTENT.has(type) ? 0 : length;
    if (start + stored > size)
      throw new Unusable(`the tar is cut short: a member of ${length} bytes begins at byte ${start} of ${size}`);
    position = start + Math.ceil(stored / BLOCK) * BLOCK;
    if (isMeta(type)) {
      if (length > RECORD_LIMIT) throw new Unusable(`the tar has a name of ${length} bytes`);
      const record = window.read(start, length);
      if (type === "g") globals = { ...globals, ...parsePax(record) };
      else next = { ...next, ...attributesOf(type, record) };
      continue;
    }
    const attributes = next === NONE && globals === NONE ? NONE : { ...globals, ...next };
    next = NONE;
    const name = normalise(attributes.path ?? ownName);
    const member = memberOf(type, header, attributes, start, length);
    if (name !== undefined && member) members.set(name, member);
  }
  return members;
}

/** Bytes of the further blocks that the map of a GNU sparse member takes; its size does not count them. */
function mapLength(type: string, header: Buffer, position: number, window: Window, size: number): number {
  let length = 0;
  for (let more = type === "S" && header[482] === 1; more; more = window.read(position + length, BLOCK)[504] === 1) {
    length += BLOCK;
    if (position + length + BLOCK > size) throw new Unusable("the tar is cut short");
  }
  return length;
}

/** Follows links within the archive; undefined when there is no such member. Throws Unusable for a loop or a bad target. */
export function resolveMember(
  members: ReadonlyMap<string, TarMember>,
  name: string,
): { offset: number; size: number } | undefined {
  let current = normalise(name);
  for (let steps = 0; current !== undefined; steps++) {
    const member = members.get(current);
    if (!member) return undefined;
    if (member.kind === "file") return member;
    if (member.kind === "sparse") throw new Unusable(`${name} is stored with holes; pack it again without --sparse`);
    if (steps > 40) throw new Unusable(`${name} is a link that leads nowhere`);
    const folder = member.symbolic ? current.slice(0, current.lastIndexOf("/") + 1) : "";
    current = member.target.startsWith("/") ? undefined : normalise(folder + member.target);
  }
  throw new Unusable(`${name} is a link that leads out of the archive`);
}

/** The plain form of a member name; undefined when it leads out of the archive or names its top. */
export function normalise(name: string): string | undefined {
  if (name.startsWith("/") || name.includes("\0")) return undefined;
  if (!name.includes("//") && !name.includes("./") && !name.endsWith("/") && !name.endsWith("."))
    return name || undefined;
  const segments: string[] = [];
  for (const segment of name.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined) return undefined;
  }
  return segments.join("/") || undefined;
}

/** What the headers before a member say of it. */
interface Attributes {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
  readonly sparse?: boolean;
}

const NONE: Attributes = {};

const isMeta = (type: string): boolean => type === "x" || type === "g" || type === "L" || type === "K";

const HAS_NO_CONTENT: ReadonlySet<string> = new Set(["1", "2", "3", "4", "5", "6"]);

function memberOf(
  type: string,
  header: Buffer,
  { linkpath, sparse }: Attributes,
  offset: number,
  size: number,
): TarMember | undefined {
  if (type === "S" || sparse) return { kind: "sparse" };
  if (type === "1" || type === "2") {
    return { kind: "link", target: linkpath ?? textAt(header, 157, 100), symbolic: type === "2" };
  }
  const isFile = type === "0" || type === "\0" || type === "7";
  return isFile ? { kind: "file", offset, size } : undefined;
}

function attributesOf(type: string, record: Buffer): Attributes {
  if (type === "x") return parsePax(record);
  const text = textAt(record, 0, record.length);
  return type === "L" ? { path: text } : { linkpath: text };
}

/** `<length> <key>=<value>\n`, repeated; the length counts the whole record (POSIX pax, "Extended Header"). */
function parsePax(record: Buffer): Attributes {
  const attributes: { path?: string; linkpath?: string; size?: number; sparse?: boolean } = {};
  for (let position = 0; position < record.length; ) {
    const space = record.indexOf(0x20, position);
    const length = Number(record.toString("latin1", position, space));
    const end = position + length;
    const valid = space > position && Number.isSafeInteger(length) && end <= record.length && end > space + 1;
    if (!valid || record[end - 1] !== 0x0a) throw new Unusable("the tar has a broken PAX header");
    const equals = record.indexOf(0x3d, space);
    const key = record.toString("utf8", space + 1, equals);
    const value = record.toString("utf8", equals + 1, end - 1);
    // A sparse member has its own name here, and that of a place for its pieces in "path".
    if (key === "path") attributes.path ??= value;
    else if (key === "GNU.sparse.name") attributes.path = value;
    else if (key === "linkpath") attributes.linkpath = value;
    else if (key === "size") attributes.size = sizeOf(value);
    if (key.startsWith("GNU.sparse.")) attributes.sparse = true;
    position = end;
  }
  return attributes;
}

function sizeOf(text: string): number {
  const size = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(size))
    throw new Unusable(`the tar has a member of ${quote(text)} bytes`);
  return size;
}

/** ustar splits long names in two; GNU's format (magic `ustar  `) uses that place for times. */
function nameAt(header: Buffer): string {
  const name = textAt(header, 0, 100);
  const isPosix = header.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textAt(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textAt(buffer: Buffer, start: number, length: number): string {
  const end = buffer.indexOf(0, start);
  return buffer.toString("utf8", start, end < 0 || end > start + length ? start + length : end);
}

/** Octal digits, or (GNU, first bit set) a big-endian number. Throws Unusable for what is negative or too large. */
function numberAt(header: Buffer, start: number, length: number): number {
  const first = header[start] ?? 0;
  if (first & 0x80) return binaryAt(header, start, length);
  const value = octalAt(header, start, length);
  if (value === undefined) {
    throw new Unusable(`the tar has a member of ${quote(textAt(header, start, length).trim())} bytes`);
  }
  return value;
}

/** Octal digits between spaces, ended by a NUL or the field; 0 when there are none, undefined for anything else. */
function octalAt(header: Buffer, start: number, length: number): number | undefined {
  let position = start;
  let end = start;
  while (end < start + length && header[end] !== 0) end++;
  while (position < end && header[position] === SPACE) position++;
  while (end > position && header[end - 1] === SPACE) end--;
  let value = 0;
  for (; position < end; position++) {
    const digit = (header[position] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

const SPACE = 0x20;
const ZERO = 0x30;

function binaryAt(header: Buffer, start: number, length: number): number {
  let value = BigInt((header[start] ?? 0) & 0x7f);
  if (value & 0x40n) throw new Unusable("the tar has a member of negative size");
  for (let index = start + 1; index < start + length; index++) value = (value << 8n) | BigInt(header[index] ?? 0);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Unusable(`the tar has a member of ${value} bytes`);
  return Number(value);
}

function isZero(block: Buffer): boolean {
  for (let index = 0; index < block.length; index++) if (block[index] !== 0) return false;
  return true;
}

/** The sum of a header's bytes, its own field counted as spaces. Old tars summed signed bytes. */
function hasChecksum(header: Buffer): boolean {
  const stored = octalAt(header, 148, 8);
  // No header sums up to nothing: eight spaces count.
  if (!stored) return false;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : (header[index] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return stored === unsigned || stored === signed;
}

const SMALLEST_READ = 4 * 1024;
const LARGEST_READ = 256 * 1024;

interface Window {
  read(position: number, length: number): Buffer;
}

/** What headers are read into: nothing is kept of it, and one tar is read at a time. */
const MEMORY = Buffer.allocUnsafeSlow(LARGEST_READ);

/**
 * Reads headers with few calls: larger and larger pieces while members are small, small ones when it has to jump. What
 * `read` gives is good until it is called again.
 */
function createWindow(fd: number, size: number): Window {
  let space = MEMORY;
  let start = 0;
  let end = 0;
  let piece = SMALLEST_READ;
  return {
    read(position, length) {
      if (position < start || position + length > end) {
        const follows = position >= start && position <= end + BLOCK;
        piece = follows ? Math.min(piece * 2, LARGEST_READ) : SMALLEST_READ;
        const wanted = Math.min(Math.max(piece, length), size - position);
        space = wanted > MEMORY.length ? Buffer.alloc(wanted) : MEMORY;
        start = position;
        end = position + readSync(fd, space, 0, wanted, position);
        if (end < position + Math.min(length, size - position)) throw new Unusable("the tar is cut short");
      }
      return space.subarray(position - start, position - start + length);
    },
  };
}
