import { randomUUID } from "node:crypto";
import { partOf, readAll } from "../content.ts";
import { inUse, RegistryError } from "../errors.ts";
import { factsOf, type ManifestFacts } from "../manifest.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { assertParts } from "../parts.ts";
import { assertType, readPushedManifest } from "../pushed-manifest.ts";
import { resolveRange } from "../range.ts";
import { type Digest, digestOf, hashAlgorithmOf, type Reference, refersByDigest, type Tag } from "../reference.ts";
import { selectReferrers } from "../referrers.ts";
import type { Descriptor, ManifestContent, Piece, Registry, Upload } from "../registry.ts";

interface Repository {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<Tag, Digest>;
  readonly uploads: Map<string, Upload>;
}

interface StoredManifest extends ManifestContent, ManifestFacts {}

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
        body: partOf({ kind: "bytes", bytes }, { start, end }),
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

    async startUpload(name) {
      const { blobs, uploads } = findOrCreate(name);
      const upload = createUpload({
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
    async pushManifest(name, { mediaType: given, bytes, digest = digestOf(bytes) }, tags = []) {
      assertDigest(bytes, digest);
      const { mediaType, json } = readPushedManifest(bytes, given);
      const descriptor = { mediaType, digest, size: bytes.length };
      const facts = factsOf(descriptor, json);
      const repository = findOrCreate(name);
      const { blobs, manifests } = repository;
      assertParts(mediaType, facts, {
        blobs: (part) => blobs.get(part)?.length,
        manifests: (part) => manifests.get(part)?.bytes.length,
      });
      assertType(mediaType, manifests.get(digest));
      manifests.set(digest, { descriptor, bytes, ...facts });
      for (const tag of tags) repository.tags.set(tag, digest);
      return { descriptor, ...(facts.subject ? { subject: facts.subject } : {}) };
    },

    async deleteBlob(name, digest) {
      const { blobs, manifests } = find(name);
      if (!blobs.has(digest)) throw new RegistryError("BLOB_UNKNOWN", digest);
      assertUnused(digest, manifests.values());
      blobs.delete(digest);
    },
    async deleteManifest(name, digest) {
      const { manifests, tags } = find(name);
      if (!manifests.has(digest)) throw new RegistryError("MANIFEST_UNKNOWN", digest);
      assertUnused(digest, manifests.values());
      manifests.delete(digest);
      for (const [tag, target] of tags) if (target === digest) tags.delete(tag);
    },
    async deleteTag(name, tag) {
      if (!find(name).tags.delete(tag)) throw new RegistryError("MANIFEST_UNKNOWN", tag);
    },

    async *listRepositories({ after = "" } = {}) {
      const known = [...repositories].filter(([, { blobs, manifests }]) => blobs.size > 0 || manifests.size > 0);
      yield sortedAfter(
        known.map(([name]) => name),
        after,
      );
    },
    async *listTags(name, { after = "" } = {}) {
      yield sortedAfter([...find(name).tags.keys()], after);
    },
    async *listReferrers(name, subject, options) {
      const manifests = [...(repositories.get(name)?.manifests.values() ?? [])];
      const referring = manifests.filter((manifest) => manifest.subject === subject);
      yield selectReferrers(
        referring.map(({ referrer }) => referrer),
        options,
      );
    },
  };
}

const blobDescriptor = (digest: Digest, size: number): Descriptor => ({ mediaType: MEDIA_TYPES.blob, digest, size });

const sortedAfter = <T extends string>(names: T[], after: string): T[] =>
  names.filter((name) => name > after).sort((a, b) => (a < b ? -1 : 1));

function assertDigest(bytes: Uint8Array, digest: Digest): void {
  const actual = digestOf(bytes, hashAlgorithmOf(digest));
  if (actual !== digest) throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
}

function assertUnused(digest: Digest, manifests: Iterable<StoredManifest>): void {
  for (const { descriptor, parts } of manifests) {
    if (parts.some((part) => part.digest === digest)) throw inUse(digest, descriptor.digest);
  }
}

function createUpload({
  publish,
  forget,
}: {
  publish: (digest: Digest, bytes: Uint8Array) => void;
  forget: () => void;
}): Upload {
  let received: Uint8Array = new Uint8Array(0);
  const withPiece = async ({ body, start = received.length, end }: Piece): Promise<Uint8Array> => {
    const size = received.length;
    if (start !== size) throw new RegistryError("RANGE_INVALID", `the next byte is ${size}, not ${start}`, { size });
    const bytes = await readAll(body);
    if (end !== undefined && bytes.length !== end - start) {
      throw new RegistryError("RANGE_INVALID", `the piece has ${bytes.length} bytes, not ${end - start}`);
    }
    return Buffer.concat([received, bytes]);
  };
  return {
    id: randomUUID(),
    get size() {
      return received.length;
    },
    async append(piece) {
      received = await withPiece(piece);
    },
    async commit(digest, last) {
      const bytes = last ? await withPiece(last) : received;
      assertDigest(bytes, digest);
      publish(digest, bytes);
      forget();
      return blobDescriptor(digest, bytes.length);
    },
    async cancel() {
      forget();
    },
  };
}
