import { complete } from "../complete.ts";
import { closeBody, partOf } from "../content.ts";
import { resolveRange } from "../range.ts";
import type { Digest, Reference } from "../reference.ts";
import type { ByteRange, Content, Descriptor, FileBody, ManifestContent, Registry, StreamBody } from "../registry.ts";
import { type Soon, whenHere } from "../soon.ts";
import { fileBody } from "./file-body.ts";
import { identityOf } from "./file-state.ts";
import type { FilePlace, FoundBlob } from "./found-blob.ts";
import { type OpenFiles, openFiles } from "./open-files.ts";
import { changesOfRepositories, remembered } from "./remembered.ts";

/** The process that has the registry, as one that reads for it sees it. Refuses as `Reader` does. */
export interface Origin {
  getManifest(repository: string, reference: Reference): Promise<ManifestContent>;
  statBlob(repository: string, digest: Digest): Promise<Descriptor>;
  /** Where the bytes are that getBlob would give. */
  findBlob(repository: string, digest: Digest, range?: ByteRange): Promise<FoundBlob>;
  /** Bytes that cannot be had from a file: the origin checks them on their way. */
  fetchBlob(repository: string, digest: Digest, range?: Content["range"]): Promise<StreamBody>;
}

/** A registry for reading whose content another process has. */
export interface Mirror {
  readonly registry: Registry;
  /**
   * What is known of a repository, or without one of all, is asked for again; also what has been asked for and not yet
   * been answered. To be called before a change is acknowledged.
   */
  forget(repository?: string): void;
}

/** What each kind of content may take, in bytes. */
const MANIFESTS = 32 * 1024 * 1024;
const SMALL_BLOBS = 16 * 1024 * 1024;
const PLACES = 8 * 1024 * 1024;

/**
 * Keeps the content that the origin gave until it is told to forget, so that it is not asked twice, and nothing is given
 * that was changed before. What is not there is not remembered: it may come at any time, and nobody says so. Files are opened
 * here, and used only while they are the ones that the origin has verified.
 */
export function mirror(origin: Origin): Mirror {
  const files = openFiles();
  const changes = changesOfRepositories();
  const manifests = remembered<ManifestContent>(changes, MANIFESTS);
  const smallBlobs = remembered<SmallBlob>(changes, SMALL_BLOBS);
  const places = remembered<KnownPlace>(changes, PLACES);
  /** Many may ask for one manifest at the moment when its tag was moved. */
  const asking = new Map<string, Promise<ManifestContent>>();

  const askForManifest = (repository: string, reference: Reference): Promise<ManifestContent> => {
    const version = changes.versionOf(repository);
    const key = `${version} ${repository} ${reference}`;
    const ask = async (): Promise<ManifestContent> => {
      try {
        const { descriptor, bytes } = await origin.getManifest(repository, reference);
        const manifest = { descriptor, bytes: ownCopy(bytes) };
        manifests.set(repository, reference, manifest, { bytes: manifest.bytes.length, version });
        return manifest;
      } finally {
        asking.delete(key);
      }
    };
    const asked = asking.get(key) ?? ask();
    asking.set(key, asked);
    return asked;
  };
  const getManifest = (repository: string, reference: Reference): Soon<ManifestContent> =>
    manifests.get(repository, reference) ?? askForManifest(repository, reference);

  const askForBlob = async (repository: string, digest: Digest, wanted?: ByteRange): Promise<Content> => {
    const version = changes.versionOf(repository);
    const { descriptor, range, place } = await origin.findBlob(repository, digest, wanted);
    if (place.kind === "bytes") {
      const { length } = place.bytes;
      if (length < descriptor.size) return { descriptor, range, body: place };
      const bytes = ownCopy(place.bytes);
      smallBlobs.set(repository, digest, { descriptor, bytes }, { bytes: length, version });
      return { descriptor, range, body: { kind: "bytes", bytes } };
    }
    const whole = place.kind === "file" && { ...place, descriptor };
    const body = whole && (await openPlace(files, whole));
    if (!whole || !body)
      return { descriptor, range, body: await origin.fetchBlob(repository, digest, wanted && range) };
    places.set(repository, digest, whole, { bytes: 0, version });
    return cut(descriptor, body, range);
  };

  const openBlob = async (repository: string, digest: Digest, wanted?: ByteRange): Promise<Content> => {
    const known = places.get(repository, digest);
    const body = known && (await openPlace(files, known));
    return body ? cut(known.descriptor, body, wanted) : askForBlob(repository, digest, wanted);
  };

  const reader: Partial<Registry> = {
    getManifest,
    statManifest: (repository, reference) =>
      whenHere(getManifest(repository, reference), ({ descriptor }) => descriptor),
    getBlob(repository, digest, { range: wanted } = {}) {
      const small = smallBlobs.get(repository, digest);
      if (!small) return openBlob(repository, digest, wanted);
      const range = resolveRange(wanted, small.bytes.length);
      return { descriptor: small.descriptor, range, body: partOf({ kind: "bytes", bytes: small.bytes }, range) };
    },
    // Whoever pushes asks this, and collected garbage has to be told as such at once.
    statBlob: origin.statBlob,
  };
  return { registry: complete(reader, "this process only reads for another"), forget: changes.note };
}

/** What comes from elsewhere may be a part of a larger piece of memory, which would be kept with it. */
function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

interface SmallBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Where a whole blob is. */
interface KnownPlace extends FilePlace {
  readonly descriptor: Descriptor;
}

/** The blob out of the file that its place names, if that is still the one that was verified. */
async function openPlace(files: OpenFiles, place: KnownPlace): Promise<FileBody | undefined> {
  const { path, identity, offset, onlyMoved, descriptor } = place;
  const open = (await files.kept(path)) ?? (await files.open(path).catch(() => undefined));
  if (open && identityOf(open.stats) === identity)
    return fileBody(open, { path, offset, size: descriptor.size }, { onlyMoved });
  await open?.close();
  return undefined;
}

/** The part that `wanted` means. Throws RANGE_INVALID; then the body is closed. */
async function cut(descriptor: Descriptor, whole: FileBody, wanted?: ByteRange): Promise<Content> {
  try {
    const range = resolveRange(wanted, descriptor.size);
    return { descriptor, range, body: partOf(whole, range) };
  } catch (error) {
    await closeBody(whole);
    throw error;
  }
}
