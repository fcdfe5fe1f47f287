import { cp } from "node:fs/promises";
import { join } from "node:path";
import { Background } from "../clients/background.ts";
import type { Cleanup } from "../clients/cleanup.ts";
import { PROGRAM } from "../support/program.ts";
import { projectRoot } from "../support/root.ts";

/** Starts our server with the sample image under two names, one of them with slashes. Returns where it is. */
export async function startServer(scratch: string, cleanup: Cleanup): Promise<string> {
  const images = await copySample(scratch);
  const options = ["--port", "0", "--data", join(scratch, "data")];
  const server = new Background(process.execPath, [PROGRAM, "serve", images, ...options], cleanup);
  return server.started(async () => /http:\/\/localhost:\d+/.exec(server.output)?.[0]);
}

async function copySample(scratch: string): Promise<string> {
  const images = join(scratch, "images");
  const sample = join(projectRoot(), "images/hello/latest");
  for (const name of ["hello/latest", "team/app/web/1.0"]) await cp(sample, join(images, name), { recursive: true });
  return images;
}
