import { after, before } from "node:test";
import type { TestImage } from "../support/images.ts";
import { type ServingData, serveData } from "../support/serve-data.ts";
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
  let serving: ServingData | undefined;
  before(async () => {
    const cleanup = { after: (close: () => void) => void closing.unshift(close) };
    serving = await serveData(cleanup, images, ...options);
  });
  after(() => {
    for (const close of closing) close();
  });
  const served = (): ServingData => {
    if (!serving) throw new Error("The server is not there yet");
    return serving;
  };
  return {
    client: (repository) => clientOf(served().origin, repository),
    origin: () => served().origin,
    data: () => served().data,
  };
}
