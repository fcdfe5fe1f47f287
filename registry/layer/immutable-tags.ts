import { type ErrorCode, RegistryError } from "../errors.ts";
import { keyedLock } from "../keyed-lock.ts";
import { entriesOf } from "../lists.ts";
import { canonicalName, type Digest, digestOf, type Tag } from "../reference.ts";
import type { Registry } from "../registry.ts";

/**
 * A registry in which some tags, once set, mean the same manifest for ever: they are neither moved nor removed, and not by
 * way of their manifest's digest either. Pushing the same manifest again is no change.
 */
export function immutableTags(next: Registry, isImmutable: (tag: Tag) => boolean): Registry {
  /** Two who push different manifests under one new tag: the second has to see the first. */
  const locks = keyedLock();
  const targetOf = async (name: string, tag: Tag): Promise<Digest | undefined> => {
    try {
      return (await next.statManifest(name, tag)).digest;
    } catch (error) {
      // Only what is not there may be set; what cannot be read may mean anything.
      if (error instanceof RegistryError && NONE.has(error.code) && !error.damaged) return undefined;
      throw error;
    }
  };

  return {
    ...next,
    pushManifest(name, manifest, tags = []) {
      const fixed = tags.filter(isImmutable);
      if (fixed.length === 0) return next.pushManifest(name, manifest, tags);
      return locks.run(canonicalName(name), async () => {
        const digest = manifest.digest ?? digestOf(manifest.bytes);
        for (const tag of fixed) {
          const before = await targetOf(name, tag);
          if (before !== undefined && before !== digest) throw denied(tag);
        }
        return next.pushManifest(name, manifest, tags);
      });
    },
    deleteTag(name, tag) {
      if (!isImmutable(tag)) return next.deleteTag(name, tag);
      return locks.run(canonicalName(name), async () => {
        if (await targetOf(name, tag)) throw denied(tag);
        return next.deleteTag(name, tag);
      });
    },
    deleteManifest: (name, digest) =>
      locks.run(canonicalName(name), async () => {
        for await (const tag of tagsOf(next, name)) {
          if (isImmutable(tag) && (await targetOf(name, tag)) === digest) throw denied(tag);
        }
        return next.deleteManifest(name, digest);
      }),
  };
}

const NONE: ReadonlySet<ErrorCode> = new Set(["NAME_UNKNOWN", "MANIFEST_UNKNOWN"]);

async function* tagsOf(registry: Registry, name: string): AsyncGenerator<Tag> {
  try {
    yield* entriesOf(registry.listTags(name));
  } catch (error) {
    // deleteManifest says it better.
    if (!(error instanceof RegistryError && error.code === "NAME_UNKNOWN")) throw error;
  }
}

const denied = (tag: Tag): RegistryError =>
  new RegistryError("DENIED", `the tag ${tag} is immutable here; push under another tag`);
