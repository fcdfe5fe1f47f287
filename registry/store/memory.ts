import { createHash, randomUUID } from "node:crypto";
import { readAll } from "../content.ts";
import { RegistryError } from "../errors.ts";
import { parseSubject } from "../manifest.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { resolveRange } from "../range.ts";
import {
  algorithmOf,
  type Digest,
  digestFrom,
  digestOf,
  type Reference,
  refersByDigest,
  type Tag,
} from "../reference.ts";
import type { Descriptor, ManifestContent, Registry, Upload } from "../registry.ts";

interface Repository {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<Tag, Digest>;
  readonly uploads: Map<string, Upload>;
}

interface StoredManifest extends ManifestContent {
  readonly subject: Digest | undefined;
  /** How the manifest is described to those who ask what refers to its subject. */
  readonly referrer: Descriptor;
}

/**
 * A registry that forgets: the shortest complete implementation of the waist, and the measure of the others.
 * Nothing is bounded and nothing survives the process, so it is for tests and for embedding, not for serving.
 */
export function memory(): Registry {
  const repositories = new Map<string, Repository>();

  const find = (name: string): Repository => {
    const repository = repositories.get(name);
    if (!repository) throw new RegistryError("NAME_UNKNOWN", name);
    return repository;
  };
  const findOrCreate = (name: string): Repository => {
    const repository = repositories.get(name) ?? {
      blobs: new Map(),
      manifests: new Map(),
      tags: new Map(),
      uploads: new Map(),
    };
    repositories.set(name, repository);
    return repository;
  };
  const findBlob = (name: string, digest: Digest): Uint8Array => {
    const bytes = find(name).blobs.get(digest);
    if (!bytes) throw new RegistryError("BLOB_UNKNOWN", digest);
    return bytes;
  };
  const findManifest = (name: string, reference: Reference): StoredManifest => {
    const { manifests, tags } = find(name);
    const digest = refersByDigest(reference) ? reference : tags.get(reference);
    const manifest = digest && manifests.get(digest);
    if (!manifest) throw new RegistryError("MANIFEST_UNKNOWN", reference);
    return manifest;
  };

  return {
    async getBlob(name, digest, { range } = {}) {
      const bytes = findBlob(name, digest);
      const { start, end } = resolveRange(range, bytes.length);
      return {
        descriptor: blobDescriptor(digest, bytes.length),
        range: { start, end },
        body: { kind: "bytes", bytes: bytes.subarray(start, end) },
      };
    },
    async statBlob(name, digest) {
      return blobDescriptor(digest, findBlob(name, digest).length);
    },
    async getManifest(name, reference) {
      return findManifest(name, reference);
    },
    async statManifest(name, reference) {
      return findManifest(name, reference).descriptor;
    },

    async startUpload(name, { algorithm = "sha256" } = {}) {
      const { blobs, uploads } = findOrCreate(name);
      const upload = createUpload(algorithm, {
        publish: (digest, bytes) => blobs.set(digest, bytes),
        forget: () => uploads.delete(upload.id),
      });
      uploads.set(upload.id, upload);
      return upload;
    },
    async resumeUpload(name, id) {
      const upload = repositories.get(name)?.uploads.get(id);
      if (!upload) throw new RegistryError("BLOB_UPLOAD_UNKNOWN", id);
      return upload;
    },
    async mountBlob(name, digest, { from } = {}) {
      const sources = from === undefined ? [...repositories.values()] : [repositories.get(from)];
      const bytes = sources.map((repository) => repository?.blobs.get(digest)).find((found) => found !== undefined);
      if (!bytes) throw new RegistryError("BLOB_UNKNOWN", digest);
      findOrCreate(name).blobs.set(digest, bytes);
      return blobDescriptor(digest, bytes.length);
    },
    async pushManifest(name, { mediaType, bytes, digest = digestOf(bytes) }, tags = []) {
      const actual = digestOf(bytes, algorithmOf(digest) === "sha512" ? "sha512" : "sha256");
      if (actual !== digest) throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
      const descriptor = { mediaType, digest, size: bytes.length };
      const { subject, artifactType, annotations } = parseSubject(bytes);
      const referrer = {
        ...descriptor,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      const repository = findOrCreate(name);
      repository.manifests.set(digest, { descriptor, bytes, subject, referrer });
      for (const tag of tags) repository.tags.set(tag, digest);
      return subject === undefined ? { descriptor } : { descriptor, subject };
    },

    async deleteBlob(name, digest) {
      if (!find(name).blobs.delete(digest)) throw new RegistryError("BLOB_UNKNOWN", digest);
    },
    async deleteManifest(name, digest) {
      const { manifests, tags } = find(name);
      if (!manifests.delete(digest)) throw new RegistryError("MANIFEST_UNKNOWN", digest);
      for (const [tag, target] of tags) if (target === digest) tags.delete(tag);
    },
    async deleteTag(name, tag) {
      if (!find(name).tags.delete(tag)) throw new RegistryError("MANIFEST_UNKNOWN", tag);
    },

    async *listRepositories({ after = "" } = {}) {
      const known = [...repositories].filter(([, { blobs, manifests }]) => blobs.size > 0 || manifests.size > 0);
      yield* sortedAfter(
        known.map(([name]) => name),
        after,
      );
    },
    async *listTags(name, { after = "" } = {}) {
      yield* sortedAfter([...find(name).tags.keys()], after);
    },
    async *listReferrers(name, subject, { artifactTypes } = {}) {
      for (const manifest of repositories.get(name)?.manifests.values() ?? []) {
        const { artifactType } = manifest.referrer;
        if (manifest.subject !== subject) continue;
        if (artifactTypes && !artifactTypes.includes(artifactType ?? "")) continue;
        yield manifest.referrer;
      }
    },
  };
}

const blobDescriptor = (digest: Digest, size: number): Descriptor => ({ mediaType: MEDIA_TYPES.blob, digest, size });

const sortedAfter = <T extends string>(names: T[], after: string): T[] =>
  names.filter((name) => name > after).sort((a, b) => (a < b ? -1 : 1));

function createUpload(
  algorithm: "sha256" | "sha512",
  { publish, forget }: { publish: (digest: Digest, bytes: Uint8Array) => void; forget: () => void },
): Upload {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    id: randomUUID(),
    get size() {
      return size;
    },
    async append(body, start = size) {
      if (start !== size) throw new RegistryError("RANGE_INVALID", `the next byte is ${size}, not ${start}`, { size });
      const chunk = await readAll(body);
      chunks.push(chunk);
      size += chunk.length;
    },
    async commit(digest) {
      const used = algorithmOf(digest) === "sha512" ? "sha512" : algorithm;
      const bytes = Buffer.concat(chunks);
      const actual = digestFrom(used, createHash(used).update(bytes).digest("hex"));
      if (actual !== digest) throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
      publish(digest, bytes);
      forget();
      return blobDescriptor(digest, bytes.length);
    },
    async cancel() {
      forget();
    },
  };
}
