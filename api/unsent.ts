import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { descriptorOf } from "./descriptor-of.ts";

/** Where Linux tells of each connection how many bytes of it are not yet with the other end. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];

/** No table is read more often than this, in ms: with thousands of connections that takes some milliseconds. */
const FRESH = 1_000;

interface Reading {
  readonly at: number;
  readonly unsent: Promise<ReadonlyMap<number, number>>;
}

let last: Reading | undefined;

/**
 * How many bytes that were sent on a connection the other end has not confirmed, not older than `age` ms. Always 0 where
 * the system does not say it (all but Linux).
 */
export async function unsentOf(socket: Socket, age: number): Promise<number> {
  const now = performance.now();
  if (!last || now - last.at > Math.min(age, FRESH)) last = { at: now, unsent: readTables() };
  const unsent = await last.unsent;
  const inode = inodeOf(socket);
  return (inode !== undefined && unsent.get(inode)) || 0;
}

async function readTables(): Promise<ReadonlyMap<number, number>> {
  const unsent = new Map<number, number>();
  const texts = await Promise.all(TABLES.map((table) => readFile(table, "latin1").catch(() => "")));
  for (const text of texts) {
    for (const [, bytes = "", inode] of text.matchAll(LINE)) unsent.set(Number(inode), Number.parseInt(bytes, 16));
  }
  return unsent;
}

/** Number, both addresses, state, queues of what is sent and received, timer, retransmissions, user, probes, inode. */
const LINE = /^ *\d+: \S+ \S+ \S+ (\S{8}):\S+ \S+ \S+ +\d+ +\d+ (\d+) /gm;

function inodeOf(socket: Socket): number | undefined {
  const descriptor = descriptorOf(socket);
  if (descriptor < 0) return undefined;
  try {
    return fstatSync(descriptor).ino;
  } catch {
    return undefined;
  }
}
