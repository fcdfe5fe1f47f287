import { closeBody, streamOf } from "../content.ts";
import { type ErrorCode, RegistryError } from "../errors.ts";
import { keyedLock } from "../keyed-lock.ts";
import { continued, later } from "../lists.ts";
import { factsOf } from "../manifest.ts";
import { readPushedManifest } from "../pushed-manifest.ts";
import { canonicalName, type Digest, hashAlgorithmOf } from "../reference.ts";
import type { Descriptor, Registry } from "../registry.ts";

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
  const either = <T>(name: string, ask: (registry: Registry, name: string) => Promise<T>): Promise<T> => {
    const own = canonicalName(name);
    return mayHave(own) ? both(name, own, ask) : ask(lower, name);
  };
  const both = async <T>(
    name: string,
    own: string,
    ask: (registry: Registry, name: string) => Promise<T>,
  ): Promise<T> => {
    try {
      return await ask(upper, own);
    } catch (above) {
      if (!isMissing(above)) throw above;
      try {
        return await ask(lower, name);
      } catch (below) {
        throw isNameUnknown(below) ? above : below;
      }
    }
  };

  /** Deletes above; what is only below cannot be deleted. */
  const remove = async (
    name: string,
    find: () => Promise<unknown>,
    act: (name: string) => Promise<void>,
  ): Promise<void> => {
    try {
      await act(canonicalName(name));
    } catch (error) {
      if (!isMissing(error)) throw error;
      await find().catch((below) => {
        throw isNameUnknown(below) ? error : below;
      });
      throw new RegistryError("UNSUPPORTED", FROM_BELOW);
    }
  };

  /** Several who need the same blob wait for one copy. */
  const copies = keyedLock();
  const copyBlob = (name: string, from: string, digest: Digest): Promise<Descriptor> =>
    copies.run(`${name} ${digest}`, async () => {
      const copied = await upper.statBlob(name, digest).catch(unlessMissing);
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
      if (await succeeds(upper.statBlob(own, digest))) continue;
      if (await succeeds(upper.statManifest(own, digest))) continue;
      const child = await lower.getManifest(name, digest).catch(unlessMissing);
      if (child) {
        const { descriptor } = child;
        await copyParts(name, descriptor.mediaType, child.bytes);
        await upper.pushManifest(own, { mediaType: descriptor.mediaType, bytes: child.bytes, digest });
      } else if (await succeeds(lower.statBlob(name, digest))) await copyBlob(own, name, digest);
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
        if (!(await succeeds(lower.statBlob(holder, digest)))) throw error;
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
      for await (const name of await merge(upper.listRepositories(options), lower.listRepositories(options), itself)) {
        const own = canonicalName(name);
        // Below it may stand with library/, above it never does.
        if (own === name || !mayHave(own)) yield name;
      }
    },
    listTags: (name, options) =>
      later(async () => {
        const lists = await known([upper.listTags(canonicalName(name), options), lower.listTags(name, options)]);
        return merge(...lists, itself);
      }),
    async *listReferrers(name, subject, options) {
      const above = upper.listReferrers(canonicalName(name), subject, options);
      yield* await merge(above, lower.listReferrers(name, subject, options), ({ digest }) => digest);
    },
  };
}

/** Stands where a descriptor needs a digest and nobody looks at it. */
const NO_DIGEST = "" as Digest;

const MISSING: ReadonlySet<ErrorCode> = new Set(["NAME_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"]);

const isMissing = (error: unknown): boolean =>
  error instanceof RegistryError && MISSING.has(error.code) && !error.damaged;

const isNameUnknown = (error: unknown): boolean => error instanceof RegistryError && error.code === "NAME_UNKNOWN";

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    (error) => {
      unlessMissing(error);
      return false;
    },
  );

/** Both lists, one of which may be of a repository that is not there. Throws when both are. */
async function known<T>(
  lists: readonly [AsyncIterable<T>, AsyncIterable<T>],
): Promise<readonly [AsyncIterable<T>, AsyncIterable<T>]> {
  const [first, second] = await Promise.all(lists.map(begun));
  if (first instanceof Error && second instanceof Error) throw first;
  return [
    first instanceof Error ? nothing() : (first ?? nothing()),
    second instanceof Error ? nothing() : (second ?? nothing()),
  ];
}

async function* nothing(): AsyncGenerator<never> {}

/** A list that has made its first step, on which an unknown repository shows; then the refusal. */
async function begun<T>(list: AsyncIterable<T>): Promise<AsyncIterable<T> | RegistryError> {
  const iterator = list[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    return continued(first, iterator);
  } catch (error) {
    if (error instanceof RegistryError && error.code === "NAME_UNKNOWN") return error;
    throw error;
  }
}

const itself = (name: string): string => name;

/** Two lists in byte order of their keys as one, each key once. One of them is usually empty; then the other is passed on. */
async function merge<T>(
  one: AsyncIterable<T>,
  other: AsyncIterable<T>,
  keyOf: (entry: T) => string,
): Promise<AsyncIterable<T>> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  const [a, b] = [await left.next(), await right.next()];
  if (b.done) return continued(a, left);
  if (a.done) return continued(b, right);
  return merged(continued(a, left), continued(b, right), keyOf);
}

async function* merged<T>(
  one: AsyncIterable<T>,
  other: AsyncIterable<T>,
  keyOf: (entry: T) => string,
): AsyncGenerator<T> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  let [a, b] = [await left.next(), await right.next()];
  while (!a.done || !b.done) {
    const fromLeft = !a.done && (b.done || keyOf(a.value) <= keyOf(b.value));
    if (!a.done && !b.done && keyOf(a.value) === keyOf(b.value)) b = await right.next();
    if (fromLeft && !a.done) {
      yield a.value;
      a = await left.next();
    } else if (!b.done) {
      yield b.value;
      b = await right.next();
    }
  }
}
