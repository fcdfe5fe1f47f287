import { randomUUID } from "node:crypto";
import { link, open, readdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { codeOf } from "./disk.ts";

/** One process writes to a data folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Thrown when another process has the folder. The message is for people. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
}

/** Who has the folder. Where processes can see each other, the process is asked; elsewhere a heartbeat tells. */
interface Owner {
  readonly id: string;
  readonly pid: number;
  /** When the process began, in the clock of its machine: another process may have the number by now. */
  readonly started: string;
  /** The machine, its boot, and the processes that can see each other there. */
  readonly realm: string;
}

const BEAT = 5_000;
/** A lock of another machine or container that has not been touched for so long (ms) is taken for abandoned. */
const ABANDONED = 30_000;

/**
 * Takes the lock of a folder; one that a killed process left is taken over at once. `onLost` is called when somebody took
 * it away: then nothing may be written any more. Throws FolderInUse.
 */
export async function lockFolder(path: string, onLost: () => void): Promise<FolderLock> {
  const own: Owner = { id: randomUUID(), pid: process.pid, started: await startOf(process.pid), realm: await realm() };
  const draft = `${path}.${own.id}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600, flush: true });
  try {
    await acquire(path, draft);
  } finally {
    await rm(draft, { force: true });
  }
  await tidy(path);
  let isOver = false;
  const end = (): void => {
    isOver = true;
    clearInterval(timer);
  };
  const timer = setInterval(async () => {
    if ((await beat(path, own)) || isOver) return;
    end();
    onLost();
  }, BEAT);
  timer.unref();
  return {
    async release() {
      end();
      if ((await ownerOf(path))?.id === own.id) await rm(path, { force: true });
    },
  };
}

/**
 * Tells one owner of a folder from the next; undefined when nobody who is alive has it. Only reads. `now` is the time by
 * the clock of the disk, in ms since 1970.
 */
export async function ownerIdOf(path: string, now: number): Promise<string | undefined> {
  const owner = await ownerOf(path);
  return owner && (await remaining(path, owner, async () => now)) > 0 ? owner.id : undefined;
}

/**
 * Makes the file at `path` a copy of the draft. Who wants to follow an owner that is gone first takes the right to, which
 * is a lock of its own, named for that owner: so of several that find the same lock abandoned one replaces it, and none
 * can remove what another has taken in the meantime.
 */
async function acquire(path: string, draft: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await linked(draft, path)) return;
    const owner = await ownerOf(path);
    if (!owner) continue;
    const left = await remaining(path, owner, () => timeOf(draft, path));
    if (left > 0) throw inUse(path, owner, left);
    const right = `${path}.${owner.id}`;
    await acquire(right, draft);
    if ((await ownerOf(path))?.id === owner.id) {
      await rename(right, path);
      return;
    }
    await rm(right, { force: true });
  }
  throw inUse(path, undefined);
}

/** A link is made whole or not at all, and not over another. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Who got the lock tidied up.
    if (codeOf(error) === "ENOENT") throw inUse(path, undefined);
    throw error;
  }
}

/** Removes what others left who were killed while they tried. Those who are still trying find the folder in use. */
async function tidy(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(`${basename(path)}.`)) await rm(join(dirname(path), name), { force: true });
  }
}

/** When the draft was written, by the clock of the disk, in ms since 1970. */
async function timeOf(draft: string, path: string): Promise<number> {
  try {
    return (await stat(draft)).mtimeMs;
  } catch (error) {
    // Who got the lock tidied up.
    if (codeOf(error) === "ENOENT") throw inUse(path, undefined);
    throw error;
  }
}

/**
 * For how long (ms) the lock counts if nobody touches it: 0 when it is abandoned, for ever when its owner is seen to live.
 * `now` is of the clock of the disk, which several machines may share.
 */
async function remaining(path: string, owner: Owner, now: () => Promise<number>): Promise<number> {
  if (owner.realm === (await realm())) {
    return (await startOf(owner.pid)) === owner.started ? Number.POSITIVE_INFINITY : 0;
  }
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  return Math.max(0, mtimeMs + ABANDONED - (await now()));
}

/** Says that the owner is there. False when it is not the owner any more; what cannot be read for now says nothing. */
async function beat(path: string, own: Owner): Promise<boolean> {
  const owner = await ownerOf(path).catch(() => own);
  if (owner?.id !== own.id) return false;
  await touch(path).catch(() => {});
  return true;
}

/** Writes the first byte again, so that the disk sets the time. */
async function touch(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write("{", 0);
  } finally {
    await file.close();
  }
}

/** Undefined when there is no lock. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { id, pid, started, realm } = JSON.parse(text) as Owner;
    return { id: String(id), pid: Number(pid), started: String(started), realm: String(realm) };
  } catch {
    return UNREADABLE;
  }
}

/** Written by something else. Nobody is its like, so only its age counts. */
const UNREADABLE: Owner = { id: "unreadable", pid: 0, started: "", realm: "" };

/** When a process began; empty when there is none. Without /proc only whether there is one. */
async function startOf(pid: number): Promise<string> {
  try {
    const fields = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name of the program stands in parentheses and may hold anything; the 20th field after it is the start.
    const [state, ...others] = fields.slice(fields.lastIndexOf(")") + 2).split(" ");
    // One that has ended and whose parent has not looked yet still stands there.
    return state === "Z" || state === "X" ? "" : (others[18] ?? "");
  } catch {
    return process.platform === "linux" ? "" : runs(pid);
  }
}

function runs(pid: number): string {
  try {
    process.kill(pid, 0);
    return "runs";
  } catch (error) {
    return codeOf(error) === "EPERM" ? "runs" : "";
  }
}

async function realm(): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  const processes = await readlink("/proc/self/ns/pid").catch(() => "");
  return [hostname(), boot.trim(), processes].join(" ");
}

/** `left`: for how long (ms) the lock counts if nobody touches it. */
function inUse(path: string, owner: Owner | undefined, left = Number.POSITIVE_INFINITY): FolderInUse {
  const who =
    owner && owner !== UNREADABLE ? `process ${owner.pid} on ${owner.realm.split(" ")[0]}` : "another process";
  const wait = `; if it was killed in another container or on another machine, try again in ${Math.ceil(left / 1000)} s`;
  const advice = `stop it, or use another folder with --data${Number.isFinite(left) ? wait : ""}`;
  return new FolderInUse(`${who} has the data folder ${dirname(path)}; ${advice}`);
}
