import { stat } from "node:fs/promises";
import type { FileRange } from "../archive/files.ts";
import { algorithmOf, type Digest } from "../reference.ts";
import type { Catalogue } from "./catalogue.ts";
import { stateOf } from "./file-state.ts";
import { MISMATCH } from "./findings.ts";
import { hashOf } from "./hash.ts";

/** A blob whose bytes were read. */
export interface Verified {
  readonly path: string;
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
  readonly digest: Digest;
  readonly size: number;
  /** Why it cannot be served as what it is called; undefined when all is well. */
  readonly problem: string | undefined;
  /** `stateOf` the file; undefined when it is gone, or was written to meanwhile. */
  readonly state: string | undefined;
}

/** Every blob that a folder serves, each place in a file once. */
export function blobsOf({ repositories }: Catalogue): { digest: Digest; file: FileRange }[] {
  const places = new Map<string, { digest: Digest; file: FileRange }>();
  for (const { blobs } of repositories.values()) {
    for (const [digest, file] of blobs) places.set(`${digest} ${file.path} ${file.offset}`, { digest, file });
  }
  return [...places.values()];
}

/** Reads blobs and compares them with their digests. A file that cannot be read is a problem like any other. */
export async function* verify(blobs: readonly { digest: Digest; file: FileRange }[]): AsyncGenerator<Verified> {
  for (const { digest, file } of blobs) {
    const { path, offset, size } = file;
    const before = await stateAt(path);
    const problem = await problemOf(digest, file);
    const state = before === (await stateAt(path)) ? before : undefined;
    yield { path, offset, digest, size, problem, state };
  }
}

const stateAt = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(stateOf, () => undefined);

async function problemOf(digest: Digest, file: FileRange): Promise<string | undefined> {
  try {
    const found = await hashOf(file, algorithmOf(digest));
    if (found.read < file.size) return `it has ${found.read} bytes and not ${file.size}`;
    return found.digest === digest ? undefined : MISMATCH;
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}
