import type { FileRange } from "../../archive/files.ts";
import { type Digest, isName, isTag } from "../../reference.ts";
import { verify } from "../verify.ts";
import { storedBlobs } from "./collect.ts";
import { type Disk, nodeDisk } from "./disk.ts";
import { digestNamedBy, layoutOf, membershipNamedBy, repositoryNameOf } from "./layout.ts";
import { decodeManifest } from "./manifests.ts";
import { decodeTag } from "./tags.ts";

/** Something in a data folder that was looked at. */
export interface CheckedData {
  /** What it is, for people: `blob sha256:…`, `tag team/app:1.0`, … */
  readonly what: string;
  /** Of a blob or manifest. */
  readonly digest?: Digest;
  /** Its bytes, when they were read. */
  readonly size: number;
  /** What is wrong and what to do; undefined when all is well. */
  readonly problem: string | undefined;
}

const PUSH_AGAIN = "push it again";

/**
 * Reads every blob and record of a data folder. Changes nothing and needs no lock, so it may run beside the server; what
 * is removed meanwhile is passed over.
 */
export async function* checkData(root: string, disk: Disk = nodeDisk): AsyncGenerator<CheckedData> {
  const layout = layoutOf(root);
  for await (const digest of storedBlobs(disk, layout)) {
    const path = layout.blob(digest);
    const state = await disk.stat(path);
    if (!state) continue;
    const file: FileRange = { path, offset: 0, size: state.size };
    for await (const { problem } of verify([{ digest, file }])) {
      const gone = problem !== undefined && !(await disk.stat(path));
      yield {
        what: `blob ${digest}`,
        digest,
        size: state.size,
        problem: problem && !gone ? `${problem}; ${PUSH_AGAIN}` : undefined,
      };
    }
  }
  for (const folder of await disk.list(layout.repositories)) {
    const name = repositoryNameOf(folder);
    if (isName(name)) yield* checkRepository(root, name, disk);
  }
}

/** The records of one repository; of its blobs only whether all their bytes are there. */
export async function* checkRepository(root: string, name: string, disk: Disk = nodeDisk): AsyncGenerator<CheckedData> {
  const layout = layoutOf(root);
  const held = new Set<string>();

  for (const file of await disk.list(layout.memberships(name))) {
    const blob = membershipNamedBy(file);
    if (!blob) continue;
    held.add(blob.digest);
    const state = await disk.stat(layout.blob(blob.digest));
    const fits = state?.size === blob.size || !(await disk.stat(layout.membership(name, blob.digest, blob.size)));
    const problem = state ? `it has ${state.size} bytes and not ${blob.size}` : "its bytes are missing";
    const { digest } = blob;
    yield {
      what: `blob ${digest} of ${name}`,
      digest,
      size: 0,
      problem: fits ? undefined : `${problem}; ${PUSH_AGAIN}`,
    };
  }

  for (const file of await disk.list(layout.manifests(name))) {
    const digest = digestNamedBy(file);
    const bytes = digest && (await disk.read(layout.manifest(name, digest)));
    if (!digest || !bytes) continue;
    const intact = decodeManifest(bytes, digest) !== undefined;
    if (intact) held.add(digest);
    const problem = intact ? undefined : `its bytes do not match its digest; ${PUSH_AGAIN}`;
    yield { what: `manifest ${digest} of ${name}`, digest, size: bytes.length, problem };
  }

  for (const tag of await disk.list(layout.tags(name))) {
    const bytes = isTag(tag) ? await disk.read(layout.tag(name, tag)) : undefined;
    if (!bytes || !isTag(tag)) continue;
    const digest = decodeTag(bytes, tag);
    const known = digest !== undefined && (held.has(digest) || (await disk.stat(layout.manifest(name, digest))));
    const problem = digest ? `its manifest ${digest} is missing` : "its record is damaged";
    yield { what: `tag ${name}:${tag}`, size: bytes.length, problem: known ? undefined : `${problem}; ${PUSH_AGAIN}` };
  }
}
