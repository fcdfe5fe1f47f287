import { type Scan, scan } from "../registry/store/scan.ts";
import { UsageError } from "./usage.ts";

/** Scans the folder that the command line names. Throws UsageError when there is none. */
export function scanFolder(folder: string): Scan {
  try {
    return scan(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const reason = REASONS.get(code);
    if (!reason) throw error;
    throw new UsageError(`cannot serve "${folder}": ${reason}`);
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such folder"],
  ["ENOTDIR", "it is a file, not a folder"],
  ["EACCES", "no permission to read it"],
  ["EPERM", "no permission to read it"],
]);
