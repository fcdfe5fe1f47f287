import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Digest, type HashAlgorithm, isDigest, type Tag } from "../../reference.ts";

/**
 * Where everything lies in a data folder. Nothing has an index: a name says what a file is, so the same names could be the
 * keys of a bucket.
 *
 *     format.json                                    the version of this layout
 *     lock                                           who has the folder
 *     tmp/<random>                                   what is being written
 *     uploads/<id>.<algorithm>.<repository, hashed>  what clients are sending
 *     blobs/<algorithm>/<2 hex>/<hex>                the bytes, once for all repositories
 *     repositories/<name, + for />/
 *       blobs/<algorithm>-<hex>.<size>               empty: the repository has this blob
 *       manifests/<algorithm>-<hex>                  a record (media type) and the manifest
 *       tags/<tag>                                   a record (digest)
 *       referrers/<subject>/<algorithm>-<hex>        empty: this manifest has that subject
 *     trash/<algorithm>-<hex>.<time>                 collected, to be removed soon
 *     quarantine/<algorithm>-<hex>.<time>            found damaged
 *
 * A repository is one folder, because no name has a `+`; so one look at `repositories` is the catalog.
 */
export interface Layout {
  readonly root: string;
  readonly format: string;
  readonly lock: string;
  readonly temporary: string;
  readonly uploads: string;
  readonly blobs: string;
  readonly repositories: string;
  readonly trash: string;
  readonly quarantine: string;
  upload(repository: string, id: string, algorithm: HashAlgorithm): string;
  blob(digest: Digest): string;
  repository(name: string): string;
  memberships(name: string): string;
  membership(name: string, digest: Digest, size: number): string;
  manifests(name: string): string;
  manifest(name: string, digest: Digest): string;
  tags(name: string): string;
  tag(name: string, tag: Tag): string;
  subjects(name: string): string;
  referrers(name: string, subject: Digest): string;
  referrer(name: string, subject: Digest, digest: Digest): string;
  trashed(digest: Digest, now: number): string;
  quarantined(digest: Digest, now: number): string;
}

export function layoutOf(root: string): Layout {
  const at = (...names: string[]): string => join(root, ...names);
  const repository = (name: string): string => at("repositories", name.replaceAll("/", "+"));
  const memberships = (name: string): string => join(repository(name), "blobs");
  const manifests = (name: string): string => join(repository(name), "manifests");
  const tags = (name: string): string => join(repository(name), "tags");
  const subjects = (name: string): string => join(repository(name), "referrers");
  const referrers = (name: string, subject: Digest): string => join(subjects(name), fileNameOf(subject));
  return {
    root,
    format: at("format.json"),
    lock: at("lock"),
    temporary: at("tmp"),
    uploads: at("uploads"),
    blobs: at("blobs"),
    repositories: at("repositories"),
    trash: at("trash"),
    quarantine: at("quarantine"),
    upload: (name, id, algorithm) => at("uploads", `${id}.${algorithm}.${shortHash(name)}`),
    blob: (digest) => {
      const colon = digest.indexOf(":");
      const hex = digest.slice(colon + 1);
      return at("blobs", digest.slice(0, colon), hex.slice(0, 2), hex);
    },
    repository,
    memberships,
    membership: (name, digest, size) => join(memberships(name), `${fileNameOf(digest)}.${size}`),
    manifests,
    manifest: (name, digest) => join(manifests(name), fileNameOf(digest)),
    tags,
    tag: (name, tag) => join(tags(name), tag),
    subjects,
    referrers,
    referrer: (name, subject, digest) => join(referrers(name, subject), fileNameOf(digest)),
    trashed: (digest, now) => at("trash", `${fileNameOf(digest)}.${Math.floor(now)}`),
    quarantined: (digest, now) => at("quarantine", `${fileNameOf(digest)}.${Math.floor(now)}`),
  };
}

/** The repository that a folder in `repositories` is. */
export const repositoryNameOf = (folder: string): string => folder.replaceAll("+", "/");

const fileNameOf = (digest: Digest): string => digest.replace(":", "-");

/** The digest that a file is named for; undefined for a name that is none of ours. */
export function digestNamedBy(fileName: string): Digest | undefined {
  const digest = fileName.replace("-", ":");
  return isDigest(digest) ? digest : undefined;
}

/** The blob that a membership is named for. */
export function membershipNamedBy(fileName: string): { digest: Digest; size: number } | undefined {
  const named = numberedDigest(fileName);
  return named && { digest: named.digest, size: named.number };
}

/** The blob that lies in the trash or in quarantine under this name, and since when (ms since 1970). */
export function trashNamedBy(fileName: string): { digest: Digest; since: number } | undefined {
  const named = numberedDigest(fileName);
  return named && { digest: named.digest, since: named.number };
}

function numberedDigest(fileName: string): { digest: Digest; number: number } | undefined {
  const [, name = "", number = ""] = /^(.+)\.(\d{1,15})$/.exec(fileName) ?? [];
  const digest = digestNamedBy(name);
  return digest && { digest, number: Number(number) };
}

/** Of a session that was found in the folder: whether it belongs to the repository that asks for it. */
const shortHash = (name: string): string => createHash("sha256").update(name).digest("hex").slice(0, 16);
