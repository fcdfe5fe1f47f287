import { RegistryError } from "../../errors.ts";
import { factsOf, type ManifestFacts } from "../../manifest.ts";
import { MEDIA_TYPES } from "../../media-types.ts";
import { assertParts, type Held } from "../../parts.ts";
import { assertType, readPushedManifest } from "../../pushed-manifest.ts";
import { type Digest, digestOf, hashAlgorithmOf } from "../../reference.ts";
import type { ManifestContent, Writer } from "../../registry.ts";
import type { Holdings } from "./holdings.ts";
import type { Memberships } from "./memberships.ts";
import type { RepositoryState } from "./repositories.ts";
import type { Uploads } from "./uploads.ts";
import { partsOf } from "./uses.ts";

export interface WriterOptions {
  /** Makes or takes the folder before the first write. */
  readonly prepare: () => Promise<void>;
  readonly uploads: Uploads;
  readonly memberships: Memberships;
  readonly sparse: boolean;
}

/** What can be added to a data folder. The tag is always the last that is written. */
export function writerOf(holdings: Holdings, { prepare, uploads, memberships, sparse }: WriterOptions): Writer {
  const { layout, files, locks, leases, repositories, manifests, tags, blobs } = holdings;

  const storeManifest = async (
    state: RepositoryState,
    content: ManifestContent,
    facts: ManifestFacts,
  ): Promise<void> => {
    const { name } = state;
    const { digest, mediaType } = content.descriptor;
    const stored = state.manifests.has(digest) ? await manifests.read(name, digest) : undefined;
    assertType(mediaType, stored);
    if (facts.subject) {
      const marker = layout.referrer(name, facts.subject, digest);
      await files.mark(marker);
      await files.settle(marker);
    }
    if (stored) return;
    try {
      await manifests.write(name, content, facts);
    } catch (error) {
      // It was refused, so it should not be there after the next start.
      if (!state.manifests.has(digest)) await files.erase(layout.manifest(name, digest)).catch(() => {});
      throw error;
    }
    state.manifests.add(digest);
    state.uses?.set(digest, partsOf(facts));
    repositories.changed(state);
  };

  return {
    async startUpload(name, { algorithm = "sha256", client = "" } = {}) {
      await prepare();
      leases.renew(name);
      return uploads.start(name, algorithm, client);
    },
    async resumeUpload(name, id) {
      const upload = await uploads.resume(name, id);
      if (!upload) throw new RegistryError("BLOB_UPLOAD_UNKNOWN", id);
      return upload;
    },
    async mountBlob(name, digest, { from } = {}) {
      const source = from === undefined ? await repositories.holder(digest) : await repositories.find(from);
      const size = source?.blobs.get(digest);
      if (source === undefined || size === undefined) throw new RegistryError("BLOB_UNKNOWN", digest);
      leases.renew(source.name);
      leases.renew(name);
      await blobs.stat(digest, size);
      await memberships.mount(name, digest, size);
      return { mediaType: MEDIA_TYPES.blob, digest, size };
    },
    async pushManifest(name, { mediaType: given, bytes, digest = digestOf(bytes) }, wanted = []) {
      const actual = digestOf(bytes, hashAlgorithmOf(digest));
      if (actual !== digest) throw new RegistryError("DIGEST_INVALID", `the content has ${actual}, not ${digest}`);
      const { mediaType, json } = readPushedManifest(bytes, given);
      const descriptor = { mediaType, digest, size: bytes.length };
      const facts = factsOf(descriptor, json);
      await prepare();
      leases.renew(name);
      return locks.shared(name, async () => {
        const state = await repositories.findOrCreate(name);
        assertParts(mediaType, facts, await readable(holdings, state, partsOf(facts)), { sparse });
        await storeManifest(state, { descriptor, bytes }, facts);
        for (const tag of wanted) await tags.write(state, tag, digest);
        return { descriptor, ...(facts.subject ? { subject: facts.subject } : {}) };
      });
    },
  };
}

/** Of these parts, those that can be read in the repository. */
async function readable(
  { blobs, manifests }: Holdings,
  state: RepositoryState,
  parts: readonly Digest[],
): Promise<Held> {
  const [blobSizes, manifestSizes] = [new Map<Digest, number>(), new Map<Digest, number>()];
  for (const digest of new Set(parts)) {
    const size = state.blobs.get(digest);
    if (size !== undefined && (await blobs.stat(digest, size).then(() => true, isUnknown))) blobSizes.set(digest, size);
    const manifest = state.manifests.has(digest) ? await manifests.read(state.name, digest) : undefined;
    if (manifest) manifestSizes.set(digest, manifest.descriptor.size);
  }
  return { blobs: (digest) => blobSizes.get(digest), manifests: (digest) => manifestSizes.get(digest) };
}

function isUnknown(error: unknown): false {
  if (error instanceof RegistryError && error.code === "BLOB_UNKNOWN") return false;
  throw error;
}
