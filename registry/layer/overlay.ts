import { closeBody, streamOf } from "../content.ts";
import { type ErrorCode, RegistryError } from "../errors.ts";
import { keyedLock } from "../keyed-lock.ts";
import { factsOf } from "../manifest.ts";
import { readPushedManifest } from "../pushed-manifest.ts";
import { canonicalName, type Digest, hashAlgorithmOf } from "../reference.ts";
import type { Descriptor, List, Registry } from "../registry.ts";
import { orElse, type Soon } from "../soon.ts";

export interface OverlayOptions {
  /** Whether the upper registry can have anything of a repository; a no saves asking it. */
  readonly mayHave?: (repository: string) => boolean;
  /** The same of the lower registry: where it has nothing, nothing has to be copied up. */
  readonly mayHaveBelow?: (repository: string) => boolean;
  /** A repository of the lower registry that has a blob, for mounts that name none. */
  readonly holderBelow?: (digest: Digest) => Promise<string | undefined>;
}

const FROM_BELOW = "it comes from the folder of archives, which is only read; remove its archive from that folder";

/**
 * A writable registry over one that is only read, as one: a tag that was pushed shadows the same tag below, and what is
 * deleted above shows again what is below. What a pushed manifest is made of is copied up when it is only below, so that
 * removing an archive never breaks what was pushed. Both halves of a name with and without `library/` are one repository.
 */
export function overlay(
  upper: Registry,
  lower: Registry,
  { mayHave = () => true, mayHaveBelow = () => true, holderBelow = async () => undefined }: OverlayOptions = {},
): Registry {
  /** Asks above, and below when it is not there; of two refusals the one that knows the repository counts. */
  const either = <T>(name: string, ask: (registry: Registry, name: string) => Soon<T>): Soon<T> => {
    const own = canonicalName(name);
    const askBelow = (above: unknown): Soon<T> => {
      if (!isMissing(above)) throw above;
      return orElse(
        () => ask(lower, name),
        (below) => {
          throw isNameUnknown(below) ? above : below;
        },
      );
    };
    return mayHave(own) ? orElse(() => ask(upper, own), askBelow) : ask(lower, name);
  };

  /** Deletes above; what is only below cannot be deleted. */
  const remove = async (
    name: string,
    find: () => Soon<unknown>,
    act: (name: string) => Promise<void>,
  ): Promise<void> => {
    try {
      await act(canonicalName(name));
    } catch (error) {
      if (!isMissing(error)) throw error;
      await orElse(find, (below) => {
        throw isNameUnknown(below) ? error : below;
      });
      throw new RegistryError("UNSUPPORTED", FROM_BELOW);
    }
  };

  /** Several who need the same blob wait for one copy. */
  const copies = keyedLock();
  const copyBlob = (name: string, from: string, digest: Digest): Promise<Descriptor> =>
    copies.run(`${name} ${digest}`, async () => {
      const copied = await ifThere(() => upper.statBlob(name, digest));
      if (copied) return copied;
      const { body, descriptor } = await lower.getBlob(from, digest);
      try {
        const upload = await upper.startUpload(name, { algorithm: hashAlgorithmOf(digest) });
        try {
          return await upload.commit(digest, { body: streamOf(body), start: 0, end: descriptor.size });
        } catch (error) {
          await upload.cancel();
          throw error;
        }
      } finally {
        await closeBody(body);
      }
    });

  /** Copies up what a manifest is made of and is not above yet: blobs, and manifests with all that is theirs. */
  const copyParts = async (name: string, mediaType: string | undefined, bytes: Uint8Array): Promise<void> => {
    const { mediaType: known, json } = readPushedManifest(bytes, mediaType);
    const own = canonicalName(name);
    for (const { digest } of factsOf({ mediaType: known, digest: NO_DIGEST, size: 0 }, json).parts) {
      if (await ifThere(() => upper.statBlob(own, digest))) continue;
      if (await ifThere(() => upper.statManifest(own, digest))) continue;
      const child = await ifThere(() => lower.getManifest(name, digest));
      if (child) {
        const { descriptor } = child;
        await copyParts(name, descriptor.mediaType, child.bytes);
        await upper.pushManifest(own, { mediaType: descriptor.mediaType, bytes: child.bytes, digest });
      } else if (await ifThere(() => lower.statBlob(name, digest))) await copyBlob(own, name, digest);
    }
  };

  return {
    getBlob: (name, digest, options) => either(name, (registry, own) => registry.getBlob(own, digest, options)),
    statBlob: (name, digest) => either(name, (registry, own) => registry.statBlob(own, digest)),
    getManifest: (name, reference) => either(name, (registry, own) => registry.getManifest(own, reference)),
    statManifest: (name, reference) => either(name, (registry, own) => registry.statManifest(own, reference)),

    startUpload: (name, options) => upper.startUpload(canonicalName(name), options),
    resumeUpload: (name, id) => upper.resumeUpload(canonicalName(name), id),
    async mountBlob(name, digest, { from } = {}) {
      const own = canonicalName(name);
      try {
        return await upper.mountBlob(own, digest, from === undefined ? {} : { from: canonicalName(from) });
      } catch (error) {
        const holder = from ?? (await holderBelow(digest));
        if (!isMissing(error) || holder === undefined) throw error;
        if (!(await ifThere(() => lower.statBlob(holder, digest)))) throw error;
        return copyBlob(own, holder, digest);
      }
    },
    async pushManifest(name, manifest, tags) {
      const own = canonicalName(name);
      // Before it is pushed: what is above has to be whole without what is below, which may go.
      if (mayHaveBelow(own)) await copyParts(name, manifest.mediaType, manifest.bytes);
      return upper.pushManifest(own, manifest, tags);
    },

    deleteBlob: (name, digest) =>
      remove(
        name,
        () => lower.statBlob(name, digest),
        (own) => upper.deleteBlob(own, digest),
      ),
    deleteManifest: (name, digest) =>
      remove(
        name,
        () => lower.statManifest(name, digest),
        (own) => upper.deleteManifest(own, digest),
      ),
    deleteTag: (name, tag) =>
      remove(
        name,
        () => lower.statManifest(name, tag),
        (own) => upper.deleteTag(own, tag),
      ),

    async *listRepositories(options) {
      // Below it may stand with library/, above it never does.
      const isFirst = (name: string): boolean => {
        const own = canonicalName(name);
        return own === name || !mayHave(own);
      };
      const all = merge(upper.listRepositories(options), lower.listRepositories(options), itself);
      for await (const piece of all) yield piece.filter(isFirst);
    },
    async *listTags(name, options) {
      const refusals: unknown[] = [];
      const above = ifKnown(upper.listTags(canonicalName(name), options), refusals);
      const below = ifKnown(lower.listTags(name, options), refusals);
      yield* merge(above, below, itself);
      const [refusal, another] = refusals;
      if (another) throw refusal;
    },
    listReferrers(name, subject, options) {
      const above = upper.listReferrers(canonicalName(name), subject, options);
      return merge(above, lower.listReferrers(name, subject, options), ({ digest }) => digest);
    },
  };
}

/** Stands where a descriptor needs a digest and nobody looks at it. */
const NO_DIGEST = "" as Digest;

const MISSING: ReadonlySet<ErrorCode> = new Set(["NAME_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"]);

const isMissing = (error: unknown): boolean =>
  error instanceof RegistryError && MISSING.has(error.code) && !error.damaged;

const isNameUnknown = (error: unknown): boolean => error instanceof RegistryError && error.code === "NAME_UNKNOWN";

const ifThere = <T>(ask: () => Soon<T>): Soon<T | undefined> =>
  orElse(ask, (error) => {
    if (!isMissing(error)) throw error;
    return undefined;
  });

/** A list that may be of a repository that is not there: then it is empty, and the refusal is put aside. */
async function* ifKnown<T>(list: List<T>, refusals: unknown[]): List<T> {
  try {
    yield* list;
  } catch (error) {
    if (!isNameUnknown(error)) throw error;
    refusals.push(error);
  }
}

const itself = (name: string): string => name;

/** Two lists in byte order of their keys as one, each key once, as the first list has it. One of them is usually empty. */
async function* merge<T>(one: List<T>, other: List<T>, keyOf: (entry: T) => string): List<T> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  let [a, b] = [await nextOf(left), await nextOf(right)];
  while (a && b) {
    const { merged, restOfA, restOfB } = mergePieces(a, b, keyOf);
    yield merged;
    a = restOfA.length > 0 ? restOfA : await nextOf(left);
    b = restOfB.length > 0 ? restOfB : await nextOf(right);
  }
  for (; a; a = await nextOf(left)) yield a;
  for (; b; b = await nextOf(right)) yield b;
}

/** The next piece that has something in it; undefined at the end. */
async function nextOf<T>(list: AsyncIterator<readonly T[]>): Promise<readonly T[] | undefined> {
  let step = await list.next();
  while (!step.done && step.value.length === 0) step = await list.next();
  return step.done ? undefined : step.value;
}

/** As far as both reach: what is left of one has to wait for the next piece of the other. */
function mergePieces<T>(a: readonly T[], b: readonly T[], keyOf: (entry: T) => string) {
  const merged: T[] = [];
  let [inA, inB] = [0, 0];
  for (;;) {
    const first = a[inA];
    const second = b[inB];
    if (first === undefined || second === undefined) {
      return { merged, restOfA: a.slice(inA), restOfB: b.slice(inB) };
    }
    const [key, other] = [keyOf(first), keyOf(second)];
    merged.push(key <= other ? first : second);
    if (key <= other) inA++;
    if (other <= key) inB++;
  }
}
