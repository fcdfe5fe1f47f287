import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Background } from "./background.ts";
import type { Cleanup } from "./cleanup.ts";
import { findProgram, type Tool, tool } from "./programs.ts";

/** Where a containerd with all its state in `folder` listens. */
export const containerdSocket = (folder: string): string => join(folder, "containerd.sock");

/** Starts a containerd with all its state in `folder`, and returns a ctr that talks to it. */
export async function startContainerd(folder: string, cleanup: Cleanup): Promise<Tool> {
  const socket = containerdSocket(folder);
  const file = join(folder, "config.toml");
  await writeFile(file, settings(folder, socket));
  const daemon = new Background(findProgram("containerd"), ["--config", file], cleanup);
  const ctr = tool(findProgram("ctr"), folder, "--address", socket);
  await daemon.started(() => ctr("version").catch(() => undefined));
  cleanup(() => removeTasks(ctr));
  return ctr;
}

/** What watches over a container outlives containerd, unless a run that failed is tidied up. */
async function removeTasks(ctr: Tool): Promise<void> {
  const tasks = await ctr("tasks", "list", "--quiet");
  for (const task of tasks.split("\n").filter(Boolean)) {
    await ctr("tasks", "remove", "--force", task);
  }
}

/**
 * Writes the folder that tells containerd to ask `mirror` for the images of `host`, and returns
 * its path.
 */
export async function writeMirror(folder: string, host: string, mirror: string): Promise<string> {
  const lines = [`server = "${mirror}"`, `[host."${mirror}"]`, 'capabilities = ["pull", "resolve"]'];
  return writeHosts(folder, host, lines.join("\n"));
}

/** Writes the folder that tells containerd `settings` for the images of `host`, and returns its path. */
export async function writeHosts(folder: string, host: string, settings: string): Promise<string> {
  const hosts = join(folder, "hosts");
  await mkdir(join(hosts, host), { recursive: true });
  await writeFile(join(hosts, host, "hosts.toml"), settings);
  return hosts;
}

/** Without the plugin for Kubernetes, which looks for a network that need not be there. */
function settings(folder: string, socket: string): string {
  return `
version = 2
root = "${join(folder, "root")}"
state = "${join(folder, "state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]

[grpc]
address = "${socket}"

[ttrpc]
address = "${socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
path = "${join(folder, "opt")}"
`;
}
