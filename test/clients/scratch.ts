import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { run } from "./run.ts";

/**
 * A new temporary folder, removed by `cleanup`. Its name is short because daemons put sockets in
 * it, whose paths Linux limits to 107 bytes.
 */
export async function makeScratch(cleanup: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oci-"));
  cleanup(() => removeScratch(folder));
  return folder;
}

/** A runtime that was interrupted leaves mounts behind, and a mount point cannot be removed. */
async function removeScratch(folder: string): Promise<void> {
  for (const mountPoint of await mountPointsBelow(folder)) await run("umount", ["-l", mountPoint]);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The latest mount first: it may lie inside an earlier one. */
async function mountPointsBelow(folder: string): Promise<string[]> {
  const table = await readFile("/proc/self/mounts", "utf8").catch(() => "");
  const mountPoints = table.split("\n").map((line) => line.split(" ")[1] ?? "");
  return mountPoints.filter((path) => path.startsWith(`${folder}/`)).reverse();
}
