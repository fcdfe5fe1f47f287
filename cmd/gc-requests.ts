import { randomUUID } from "node:crypto";
import { type FSWatcher, mkdirSync, readdirSync, watch } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Collection, CollectOptions } from "../registry/store/data/collect.ts";

/** Where `ociregistry gc` leaves what it wants of the process that has the data folder, and finds the answer. */
const FOLDER = "requests";
const REQUEST = ".request";
const ANSWER = ".answer";
const POLL = 100;
const PATIENCE = 60 * 60 * 1000;
/** A server that is alive takes a request at once. */
const TAKEN_WITHIN = 10_000;

/** Asks the server that has the data folder to collect. Undefined when nobody takes the request. */
export async function requestCollection(data: string, options: CollectOptions): Promise<Collection | undefined> {
  const folder = join(data, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = join(folder, randomUUID());
  await writeFile(`${name}.new`, JSON.stringify(options), { mode: 0o600 });
  await rename(`${name}.new`, `${name}${REQUEST}`);
  const started = Date.now();
  try {
    while (Date.now() - started < PATIENCE) {
      const answer = await readFile(`${name}${ANSWER}`, "utf8").catch(() => undefined);
      if (answer !== undefined) return JSON.parse(answer) as Collection;
      const waiting = readdirSync(folder).some((each) => join(folder, each) === `${name}${REQUEST}`);
      if (waiting && Date.now() - started > TAKEN_WITHIN) return undefined;
      await pause(POLL);
    }
    return undefined;
  } finally {
    await Promise.all([REQUEST, ANSWER].map((ending) => rm(`${name}${ending}`, { force: true })));
  }
}

/** Answers such requests until it is closed. Only for the process that has the data folder, once that exists. */
export function answerRequests(data: string, collect: (options: CollectOptions) => Promise<Collection>): FSWatcher {
  const folder = join(data, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const answer = async (file: string): Promise<void> => {
    const path = join(folder, file);
    const taken = path.slice(0, -REQUEST.length);
    try {
      await rename(path, `${taken}.taken`);
      const options = JSON.parse(await readFile(`${taken}.taken`, "utf8")) as CollectOptions;
      await writeFile(`${taken}.new`, JSON.stringify(await collect(options)), { mode: 0o600 });
      await rename(`${taken}.new`, `${taken}${ANSWER}`);
    } catch {
      // Taken before, or withdrawn; who asked sees that no answer comes.
    } finally {
      await rm(`${taken}.taken`, { force: true });
    }
  };
  const look = (): void => {
    for (const file of readdirSync(folder)) if (file.endsWith(REQUEST)) void answer(file);
  };
  const watcher = watch(folder, { persistent: false }, look);
  watcher.on("error", () => {});
  look();
  return watcher;
}
