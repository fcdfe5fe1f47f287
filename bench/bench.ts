import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { pull, push } from "./clients/clients.ts";
import type { LoadClient } from "./clients/load.ts";
import { type Content, writeContent } from "./content/content.ts";
import { NO_SYNC, OURS } from "./measure/figure.ts";
import { type Effort, sayLeftOut } from "./measure/rounds.ts";
import type { Ours } from "./servers/ours.ts";
import type { Peers } from "./servers/peers.ts";
import type { Memory } from "./servers/process-tree.ts";
import type { ServerProcess } from "./servers/server-process.ts";

/** What every scenario gets. */
export interface Bench {
  /** For what it writes; removed at the end. */
  readonly folder: string;
  readonly effort: Effort;
  readonly ours: Ours;
  readonly peers: Peers;
  readonly load: LoadClient;
  /** What all servers are given, written when the first scenario asks for it. */
  content(): WrittenContent;
  /** All servers with that content, started when the first scenario asks for them. */
  fleet(): Promise<Fleet>;
  stop(): Promise<void>;
}

export interface WrittenContent {
  readonly content: Content;
  /** Where the list of it lies, for the push client. */
  readonly contentFile: string;
}

/** Servers that run beside each other and have the same content. */
export interface Fleet {
  readonly content: Content;
  /** By contestant. */
  readonly servers: Readonly<Record<string, ServerProcess>>;
  /** What each held before its first request. */
  readonly idle: Readonly<Record<string, Memory>>;
}

interface BenchOptions extends Omit<Bench, "content" | "fleet" | "stop"> {
  /** Starts our servers while they are filled, which is of no interest to a profile. */
  readonly fillWith: Ours;
  /** How long each server of the fleet gives images before anything is measured, in seconds: V8 compiles what runs often. */
  readonly warmUp: number;
}

export function createBench({ fillWith, warmUp, ...options }: BenchOptions): Bench {
  let written: WrittenContent | undefined;
  let fleet: Promise<Fleet> | undefined;
  const { folder, effort } = options;
  const bench: Bench = {
    ...options,
    content: () => {
      written ??= writeAll(folder, !effort.quick);
      return written;
    },
    fleet: () => {
      fleet ??= startFleet(bench, { fillWith, warmUp });
      return fleet;
    },
    stop: async () => {
      for (const server of Object.values((await fleet)?.servers ?? {})) await server.stop();
    },
  };
  return bench;
}

function writeAll(folder: string, withLargest: boolean): WrittenContent {
  const content = writeContent(join(folder, "content"), withLargest);
  const contentFile = join(folder, "content.json");
  writeFileSync(contentFile, JSON.stringify(content));
  return { content, contentFile };
}

/** One after the other: each is filled and then started again, as a server that has images already. */
async function startFleet(
  { folder, ours, peers, content: written }: Bench,
  { fillWith, warmUp }: Pick<BenchOptions, "fillWith" | "warmUp">,
): Promise<Fleet> {
  const { content, contentFile } = written();
  const servers: Record<string, ServerProcess> = {};
  const idle: Record<string, Memory> = {};
  const fill = async (server: ServerProcess): Promise<void> => {
    await push("content", server.origin, contentFile);
    await server.stop();
  };
  const add = async (name: string, server: ServerProcess): Promise<void> => {
    await wait(REST_MILLISECONDS);
    servers[name] = server;
    idle[name] = server.memory();
    if (warmUp > 0) await pull(server.origin, CLIENTS, warmUp);
  };
  const newFolder = (): string => mkdtempSync(join(folder, "server-"));
  for (const [name, flags] of Object.entries(ours.variants)) {
    const place = newFolder();
    await fill(await fillWith.serveData(place));
    await add(name, await ours.serveData(place, ...flags));
  }
  for (const peer of peers.found) {
    const place = newFolder();
    try {
      if (peer.place) peer.place(place, content);
      else await fill(await peer.start(place));
      await add(peer.name, await peer.start(place));
    } catch (error) {
      sayLeftOut(peer.name, error);
    }
  }
  return { content, servers, idle };
}

const CLIENTS = 10;

/** Until a server that has just been started is idle. */
const REST_MILLISECONDS = 500;

/** How to start those that take pushes on an empty folder, by contestant. */
export function writersOf({ ours, peers }: Bench): Record<string, (folder: string) => Promise<ServerProcess>> {
  const others = peers.found.filter(({ place }) => place === undefined);
  return {
    [OURS]: (folder) => ours.serveData(folder),
    [NO_SYNC]: (folder) => ours.serveData(folder, "--no-sync"),
    ...Object.fromEntries(others.map(({ name, start }) => [name, start])),
  };
}
