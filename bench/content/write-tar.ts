import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** What goes into a tar: bytes, or nothing but a size, which takes no room on the disk. */
export interface Member {
  readonly name: string;
  readonly bytes: Buffer;
  /** More than the bytes: zeros follow. */
  readonly size?: number;
}

/** Writes a tar (ustar). Names have at most 100 bytes. */
export function writeTar(path: string, members: Iterable<Member>): void {
  const fd = openSync(path, "w");
  let position = 0;
  let waiting: Buffer[] = [];
  let waitingAt = 0;
  const flush = (): void => {
    const bytes = Buffer.concat(waiting);
    if (bytes.length > 0) writeSync(fd, bytes, 0, bytes.length, waitingAt);
    waiting = [];
    waitingAt = position;
  };
  try {
    for (const { name, bytes, size = bytes.length } of members) {
      const inOnePiece = size === bytes.length;
      const padding = Buffer.alloc(inOnePiece ? padded(size) - size : 0);
      waiting.push(headerOf(name, size), bytes, padding);
      position += BLOCK + padded(size);
      if (!inOnePiece || waiting.length > MANY) flush();
    }
    flush();
    ftruncateSync(fd, position + 2 * BLOCK);
  } finally {
    closeSync(fd);
  }
}

const BLOCK = 512;
const DIGITS_END = 8 ** 11;
/** Pieces that are written in one go. */
const MANY = 3000;

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  // GNU writes sizes from 8 GiB on as a number and not as digits.
  if (size < DIGITS_END) {
    header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  } else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.fill(0x20, 148, 156);
  header.write("0", 156);
  header.write("ustar\0" + "00", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
