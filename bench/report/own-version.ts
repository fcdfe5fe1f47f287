import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { projectFile } from "../script.ts";

/** The version of this project, and from which commit it is when it was checked out with git. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(projectFile("package.json"), "utf8")) as { version: string };
  try {
    const changes =
      git("status", "--porcelain", "--untracked-files=no", "--", ".", ...RESULTS) === "" ? "" : " + changes";
    return `${version}, commit ${git("rev-parse", "--short", "HEAD")}${changes}`;
  } catch {
    return version;
  }
}

/** What a run writes itself is no change. */
const RESULTS = [":!bench/RESULTS.md", ":!bench/results.svg"];

const git = (...args: readonly string[]): string =>
  execFileSync("git", args, { cwd: projectFile(""), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
