import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Registry } from "../../registry/registry.ts";
import type { Cleanup } from "./cleanup.ts";
import { type Serving, startServing } from "./command.ts";
import { type TestImage, temporaryFolder, writeExport } from "./images.ts";
import { remote } from "./remote.ts";

/** A server that can be pushed to. */
export interface ServingData extends Serving {
  readonly registry: Registry;
  /** Of archives. */
  readonly folder: string;
  /** Of what is pushed: it is made with the first push. */
  readonly data: string;
}

/** Starts `ociregistry serve --data` with these images in its folder of archives. */
export async function serveData(
  cleanup: Cleanup,
  images: readonly TestImage[],
  ...args: string[]
): Promise<ServingData> {
  const root = temporaryFolder(cleanup);
  const folder = join(root, "images");
  mkdirSync(folder);
  for (const image of images) writeExport(folder, image);
  return serveDataAgain(cleanup, { folder, data: join(root, "data") }, ...args);
}

/** Starts another server of the same folders. */
export async function serveDataAgain(
  cleanup: Cleanup,
  { folder, data }: Pick<ServingData, "folder" | "data">,
  ...args: string[]
): Promise<ServingData> {
  const serving = await startServing(cleanup, folder, "--data", data, ...args);
  return { ...serving, registry: remote(serving.origin), folder, data };
}
