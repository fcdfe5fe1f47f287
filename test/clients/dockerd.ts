import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Background } from "./background.ts";
import type { Cleanup } from "./cleanup.ts";
import { findProgram, findPrograms, type Tool, tool } from "./programs.ts";

/** A Docker daemon that runs: where it listens, and the program of the docker command that talks to it. */
export interface Dockerd {
  socket: string;
  client: string;
}

/** Starts a Docker daemon as `startDockerDaemon` does, and returns a docker command that talks to it. */
export async function startDockerd(folder: string, mirror: string, cleanup: Cleanup): Promise<Tool> {
  const { client, socket } = await startDockerDaemon(folder, mirror, cleanup);
  return tool(client, folder, "--host", socket);
}

/**
 * Starts a Docker daemon with all its state in `folder`, which uses `mirror` in place of the
 * registry it asks by default.
 */
export async function startDockerDaemon(folder: string, mirror: string, cleanup: Cleanup): Promise<Dockerd> {
  const socket = `unix://${join(folder, "docker.sock")}`;
  const file = join(folder, "daemon.json");
  await writeFile(file, JSON.stringify(settings(folder, socket, mirror)));
  const daemon = new Background(findProgram("dockerd"), ["--config-file", file], cleanup);
  const client = await daemon.started(() => findClient(socket, folder));
  return { socket, client };
}

/** It has no network and no storage driver that a machine could lack, only what a pull needs. */
function settings(folder: string, socket: string, mirror: string) {
  return {
    "data-root": join(folder, "data"),
    "exec-root": join(folder, "exec"),
    pidfile: join(folder, "docker.pid"),
    hosts: [socket],
    "registry-mirrors": [mirror],
    "storage-driver": "vfs",
    bridge: "none",
    iptables: false,
    ip6tables: false,
    // If the machine runs a containerd, dockerd uses it. Its containers there are not ours.
    "containerd-namespace": "ociregistry-test",
  };
}

/**
 * Machines can have several docker commands, and a new one refuses to talk to an old daemon:
 * returns the first that the daemon answers, or nothing as long as it answers none.
 */
async function findClient(socket: string, folder: string): Promise<string | undefined> {
  for (const program of findPrograms("docker")) {
    const docker = tool(program, folder, "--host", socket);
    const answer = await docker("version").catch(() => undefined);
    if (answer !== undefined) return program;
  }
  return undefined;
}
