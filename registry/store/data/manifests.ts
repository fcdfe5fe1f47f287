import { Buffer } from "node:buffer";
import { factsOf, type ManifestFacts } from "../../manifest.ts";
import { algorithmOf, type Digest, digestOf, type HashAlgorithm } from "../../reference.ts";
import type { ManifestContent } from "../../registry.ts";
import { parseStrictJson } from "../../strict-json.ts";
import { byteCache } from "../byte-cache.ts";
import type { Disk } from "./disk.ts";
import type { Durable } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { decodeRecord, encodeRecord } from "./record.ts";

/** A manifest with what can be said of it. */
export interface StoredManifest extends ManifestContent, ManifestFacts {}

/** The manifests of all repositories: each lies once in every repository that has it. */
export interface Manifests {
  /** The same object each time, while it is in memory. Undefined when there is none, or when its bytes are damaged. */
  read(repository: string, digest: Digest): StoredManifest | Promise<StoredManifest | undefined>;
  /** Durable when it returns. The media type is kept beside the bytes, because not every manifest says its own. */
  write(repository: string, content: ManifestContent, facts: ManifestFacts): Promise<void>;
  forget(repository: string, digest: Digest): void;
}

/** Manifests of this many bytes together are kept in memory. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** What a manifest takes beside its bytes: its descriptors as objects. */
const OVERHEAD = 2048;

export function manifestFiles(
  disk: Disk,
  layout: Layout,
  files: Durable,
  onDamage: (repository: string, digest: Digest) => void,
): Manifests {
  const cache = byteCache<StoredManifest>(CACHE_BYTES);
  const keyOf = (repository: string, digest: Digest): string => `${repository} ${digest}`;
  const keep = (repository: string, manifest: StoredManifest): StoredManifest => {
    const { digest, size } = manifest.descriptor;
    cache.set(keyOf(repository, digest), manifest, 2 * size + OVERHEAD);
    return manifest;
  };
  const reading = new Map<string, Promise<StoredManifest | undefined>>();

  const readFile = async (repository: string, digest: Digest): Promise<StoredManifest | undefined> => {
    const bytes = await disk.read(layout.manifest(repository, digest));
    const manifest = bytes && decodeManifest(bytes, digest);
    if (bytes && !manifest) onDamage(repository, digest);
    // It may have been pushed again meanwhile, as another media type.
    return manifest && (cache.get(keyOf(repository, digest)) ?? keep(repository, manifest));
  };

  return {
    read(repository, digest) {
      const key = keyOf(repository, digest);
      const known = cache.get(key) ?? reading.get(key);
      if (known !== undefined) return known;
      const started = readFile(repository, digest).finally(() => reading.delete(key));
      reading.set(key, started);
      return started;
    },
    async write(repository, { descriptor, bytes }, facts) {
      const path = layout.manifest(repository, descriptor.digest);
      // If it fails, the file may be the old or the new one.
      cache.delete(keyOf(repository, descriptor.digest));
      await files.write(path, encodeRecord({ mediaType: descriptor.mediaType }, bytes));
      await files.settle(path);
      // A request's buffer may be a part of a larger one, which would be kept with it.
      keep(repository, { descriptor, bytes: Buffer.from(bytes), ...facts });
    },
    forget: (repository, digest) => cache.delete(keyOf(repository, digest)),
  };
}

/** Undefined for what is not the manifest that its name says. */
export function decodeManifest(file: Buffer, digest: Digest): StoredManifest | undefined {
  const record = decodeRecord(file);
  const mediaType = record?.fields["mediaType"];
  if (!record || typeof mediaType !== "string") return undefined;
  const { body } = record;
  if (digestOf(body, algorithmOf(digest) as HashAlgorithm) !== digest) return undefined;
  const descriptor = { mediaType, digest, size: body.length };
  try {
    return { descriptor, bytes: body, ...factsOf(descriptor, parseStrictJson(body)) };
  } catch {
    // What would not be taken today does not stand in the way of the others.
    return undefined;
  }
}
