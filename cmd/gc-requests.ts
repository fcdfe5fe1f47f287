import { randomUUID } from "node:crypto";
import { existsSync, type FSWatcher, mkdirSync, readdirSync, watch } from "node:fs";
import { open, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Collection, CollectOptions } from "../registry/store/data/collect.ts";
import { ownerIdOf } from "../registry/store/data/folder-lock.ts";
import { layoutOf } from "../registry/store/data/layout.ts";
import { UsageError } from "./usage-error.ts";

/** Where `ociregistry gc` leaves what it wants of the process that has the data folder, and finds the answer. */
const FOLDER = "requests";
const REQUEST = ".request";
const TAKEN = ".taken";
const ANSWER = ".answer";
const POLL = 100;
const PATIENCE = 60 * 60 * 1000;
/** A server that is alive takes a request at once. */
const TAKEN_WITHIN = 10_000;

/**
 * Asks the server that has the data folder to collect. Undefined when nobody takes the request. Leaves nothing behind.
 * Throws UsageError.
 */
export async function requestCollection(data: string, options: CollectOptions): Promise<Collection | undefined> {
  const folder = join(data, FOLDER);
  const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
  const name = join(folder, randomUUID());
  try {
    await writeFile(`${name}.new`, JSON.stringify(options), { mode: 0o600 });
    // By the clock of the disk, which is that of the lock, too.
    const { mtimeMs } = await stat(`${name}.new`);
    const written = performance.now();
    await rename(`${name}.new`, `${name}${REQUEST}`);
    return await answerTo(name, layoutOf(resolve(data)).lock, () => mtimeMs + performance.now() - written);
  } finally {
    await Promise.all([".new", REQUEST, TAKEN, ANSWER].map((ending) => rm(`${name}${ending}`, { force: true })));
    // Who serves has made it before anybody could ask.
    if (isNew) await rmdir(folder).catch(() => {});
  }
}

async function answerTo(name: string, lock: string, now: () => number): Promise<Collection | undefined> {
  const started = now();
  const asked = await ownerIdOf(lock, started);
  while (now() - started < PATIENCE) {
    // Asked first: who answers may end right after.
    const isThere = asked !== undefined && (await ownerIdOf(lock, now())) === asked;
    const answer = await readFile(`${name}${ANSWER}`, "utf8").catch(() => undefined);
    if (answer !== undefined) return JSON.parse(answer) as Collection;
    if (!isThere) throw new UsageError("the server that had the data folder ended before it had collected; try again");
    const waiting = existsSync(`${name}${REQUEST}`);
    // In the order in which the file is renamed, so that it is not missed.
    if (!waiting && ![TAKEN, ANSWER].some((ending) => existsSync(`${name}${ending}`))) {
      throw new UsageError("the server that has the data folder could not collect");
    }
    if (waiting && now() - started > TAKEN_WITHIN) return undefined;
    await pause(POLL);
  }
  return undefined;
}

/**
 * Answers such requests until it is closed. Only for the process that has the data folder, once that exists. A folder that
 * cannot be watched (any more) is told to `onFailure`, once: whoever serves goes on without.
 */
export function answerRequests(
  data: string,
  collect: (options: CollectOptions) => Promise<Collection>,
  onFailure: (error: unknown) => void,
): { close(): void } {
  const folder = join(data, FOLDER);
  let watcher: FSWatcher | undefined;
  let isOver = false;
  const close = (): void => {
    isOver = true;
    watcher?.close();
  };
  const fail = (error: unknown): void => {
    if (isOver) return;
    close();
    onFailure(error);
  };
  const answer = async (file: string): Promise<void> => {
    const path = join(folder, file);
    const name = path.slice(0, -REQUEST.length);
    const taken = `${name}${TAKEN}`;
    try {
      await rename(path, taken);
    } catch {
      // Withdrawn, or taken when the folder changed before.
      return;
    }
    try {
      const options = JSON.parse(await readFile(taken, "utf8")) as CollectOptions;
      await overwrite(taken, JSON.stringify(await collect(options)));
      await rename(taken, `${name}${ANSWER}`);
    } catch {
      // Who asked sees that the request is gone and no answer came.
    } finally {
      await rm(taken, { force: true });
    }
  };
  const look = (): void => {
    try {
      for (const file of readdirSync(folder)) if (file.endsWith(REQUEST)) answer(file).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    watcher = watch(folder, { persistent: false }, look);
    watcher.on("error", fail);
    look();
  } catch (error) {
    fail(error);
  }
  return { close };
}

/** Takes no more room than the file has: somebody collects just because the disk is full. */
async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { bytesWritten } = await file.write(text, 0);
    await file.truncate(bytesWritten);
  } finally {
    await file.close();
  }
}
