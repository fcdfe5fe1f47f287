import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { type Serving, startServing } from "../support/command.ts";
import { type TestImage, temporaryFolder, writeExport } from "../support/images.ts";
import { type Client, clientOf } from "./client.ts";

export interface Served {
  /** A client of one repository. */
  client(repository: string): Client;
  origin(): string;
  /** The folder that pushes are kept in. */
  data(): string;
}

export interface ServedOptions {
  /** Options of `ociregistry serve`. */
  readonly options?: readonly string[];
  /** What lies in the folder of archives. */
  readonly images?: readonly TestImage[];
}

/** `ociregistry serve`, running for as long as the tests of a `describe` do; to be called in it. */
export function serve({ options = ["--no-sync"], images = [] }: ServedOptions = {}): Served {
  const closing: (() => void)[] = [];
  let serving: Serving | undefined;
  let data = "";
  before(async () => {
    const cleanup = { after: (close: () => void) => void closing.unshift(close) };
    const root = temporaryFolder(cleanup);
    const folder = join(root, "images");
    mkdirSync(folder);
    for (const image of images) writeExport(folder, image);
    data = join(root, "data");
    serving = await startServing(cleanup, folder, "--data", data, ...options);
  });
  after(() => {
    for (const close of closing) close();
  });
  const origin = (): string => {
    if (!serving) throw new Error("The server is not there yet");
    return serving.origin;
  };
  return { client: (repository) => clientOf(origin(), repository), origin, data: () => data };
}
