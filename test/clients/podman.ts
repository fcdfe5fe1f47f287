import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { findProgram, type Tool, tool } from "./programs.ts";

// The limits, because podman's defaults are above what a machine without CAP_SYS_RESOURCE may set.
const LIMITS = ["--ulimit=nofile=1024", "--ulimit=nproc=1024"];

/** What `podman run` is told for a container that needs no network and comes from an image that was pulled before. */
export const RUN_PULLED: readonly string[] = ["--rm", "--pull=never", "--network=none", ...LIMITS];

/** A podman with all its state in `folder`. */
export function preparePodman(folder: string, cleanup: Cleanup): Tool {
  const podman = tool(
    findProgram("podman"),
    folder,
    `--root=${join(folder, "root")}`,
    `--runroot=${join(folder, "runroot")}`,
    `--tmpdir=${join(folder, "tmp")}`,
    "--storage-driver=vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
    // crun refuses machines that have both generations of control groups.
    "--runtime=runc",
  );
  cleanup(async () => void (await podman("rm", "--all", "--force")));
  return podman;
}
