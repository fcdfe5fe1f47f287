import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../support/root.ts";
import { run } from "./run.ts";

/** Copies into `folder` what somebody has who just cloned the repository: nothing installed, nothing compiled. */
export async function copyCheckout(folder: string): Promise<void> {
  const root = projectRoot();
  // In CI the repository can belong to somebody else, of whom git is suspicious.
  const git = ["-C", root, "-c", "safe.directory=*"];
  const list = await run("git", [...git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  // What was removed and not committed is still listed.
  const paths = list.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  for (const path of paths) await cp(join(root, path), join(folder, path));
}
