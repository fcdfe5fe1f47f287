import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ServerProcess } from "./server-process.ts";

/**
 * Measures a server on an empty folder, which is removed afterwards: what one contestant left to be written to the disk
 * must not slow down the next. With `keep` it stays until the end of the run, for who writes many small files: ext4 looks at
 * all that were deleted lately before it makes a new one.
 */
export async function onEmpty<T>(
  parent: string,
  start: (folder: string) => Promise<ServerProcess>,
  measure: (server: ServerProcess) => Promise<T>,
  { keep = false } = {},
): Promise<T> {
  const folder = mkdtempSync(join(parent, "pushed-"));
  try {
    const server = await start(folder);
    try {
      return await measure(server);
    } finally {
      await server.stop();
    }
  } finally {
    if (!keep) rmSync(folder, { recursive: true });
  }
}
