import { Missing } from "../missing.ts";
import { distribution } from "./distribution.ts";
import { nginx } from "./nginx.ts";
import { olareg } from "./olareg.ts";
import type { Peer } from "./peer.ts";
import { freePort, type ServerProcess } from "./server-process.ts";
import { zot } from "./zot.ts";

/** The other servers that this machine has, and why it does not have the rest. */
export interface Peers {
  readonly found: readonly FoundPeer[];
  /** Why, by name. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface FoundPeer extends Pick<Peer, "name" | "place"> {
  readonly version: string;
  start(folder: string): Promise<ServerProcess>;
}

const ALL: readonly Peer[] = [distribution, zot, olareg, nginx];

/** Looks for the peers, and has Go build those that are published as modules. */
export async function findPeers(): Promise<Peers> {
  const found: FoundPeer[] = [];
  const missing: Record<string, string> = {};
  for (const peer of ALL) {
    try {
      const { path, version } = await peer.find();
      found.push({ ...peer, version, start: async (folder) => peer.start(path, folder, await freePort()) });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      missing[peer.name] = error.message;
    }
  }
  return { found, missing };
}
