import { randomUUID } from "node:crypto";
import { link, readFile, readlink, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
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
  const draft = join(dirname(path), `lock.${own.id}`);
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    await acquire(path, draft);
  } finally {
    await rm(draft, { force: true });
  }
  const timer = setInterval(() => void beat(path, own, onLost), BEAT);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      if ((await ownerOf(path))?.id === own.id) await rm(path, { force: true });
    },
  };
}

async function acquire(path: string, draft: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      // A link is made whole or not at all, and not over another.
      await link(draft, path);
      return;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const owner = await ownerOf(path);
    if (!(await isAbandoned(path, owner))) throw inUse(path, owner);
    await setAside(path, owner);
  }
  throw inUse(path, undefined);
}

/** Removes a lock that was found abandoned; one that somebody else took meanwhile is put back. */
async function setAside(path: string, owner: Owner | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const taken = await ownerOf(aside);
  if (taken?.id !== owner?.id) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function isAbandoned(path: string, owner: Owner | undefined): Promise<boolean> {
  if (owner && owner.realm === (await realm())) return (await startOf(owner.pid)) !== owner.started;
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs > ABANDONED;
}

async function beat(path: string, own: Owner, onLost: () => void): Promise<void> {
  const owner = await ownerOf(path);
  if (owner?.id !== own.id) return onLost();
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch {
    // Gone, or written by something else.
    return undefined;
  }
}

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

function inUse(path: string, owner: Owner | undefined): FolderInUse {
  const who = owner ? `process ${owner.pid} on ${owner.realm.split(" ")[0]}` : "another process";
  return new FolderInUse(`${who} has the data folder ${dirname(path)}; stop it, or use another folder with --data`);
}
