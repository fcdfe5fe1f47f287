import { keyedLock } from "../../keyed-lock.ts";
import { type Digest, isDigest, type Tag } from "../../reference.ts";
import type { Disk } from "./disk.ts";
import type { Durable } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import type { RepositoryState } from "./repositories.ts";

/** What tags mean: one record each, always replaced whole, so that a tag has its old or its new meaning. */
export interface Tags {
  /** Undefined when there is no such tag, or when its record is damaged. */
  read(state: RepositoryState, tag: Tag): Digest | undefined | Promise<Digest | undefined>;
  /** Durable when it returns. The manifest has to be durable before. */
  write(state: RepositoryState, tag: Tag, digest: Digest): Promise<void>;
  /** Durable when it returns, as is whatever happened to tags of this repository before. */
  remove(state: RepositoryState, tags: readonly Tag[]): Promise<void>;
  /** Every tag that means this manifest. */
  of(state: RepositoryState, digest: Digest): Promise<Tag[]>;
}

export function tagFiles(
  disk: Disk,
  layout: Layout,
  files: Durable,
  onDamage: (repository: string, tag: Tag) => void,
): Tags {
  /** Two writers of one tag: what is in memory has to be what came to the disk last. */
  const locks = keyedLock();

  const read: Tags["read"] = (state, tag) => {
    const known = state.targets.get(tag);
    return known !== undefined || !state.tags.has(tag) ? known : readFile(state, tag);
  };

  const readFile = async (state: RepositoryState, tag: Tag): Promise<Digest | undefined> => {
    const bytes = await disk.read(layout.tag(state.name, tag));
    const target = bytes && decodeTag(bytes, tag);
    if (bytes && !target) onDamage(state.name, tag);
    // It may have been moved or removed meanwhile.
    if (target && state.tags.has(tag) && !state.targets.has(tag)) state.targets.set(tag, target);
    return state.targets.get(tag) ?? target;
  };

  /**
   * After a write that failed: the record may be the old or the new one, and the next process will go by what is there.
   * So does this one; otherwise it would take a manifest for unused that a tag means.
   */
  const readAgain = async (state: RepositoryState, tag: Tag): Promise<void> => {
    state.targets.delete(tag);
    const bytes = await disk.read(layout.tag(state.name, tag)).catch(() => undefined);
    const target = bytes && decodeTag(bytes, tag);
    if (!target) return;
    state.tags.add(tag);
    state.targets.set(tag, target);
  };

  return {
    read,
    write: (state, tag, digest) =>
      locks.run(`${state.name} ${tag}`, async () => {
        const path = layout.tag(state.name, tag);
        try {
          await files.write(path, encodeRecord({ tag, digest }));
          await files.settle(path);
        } catch (error) {
          await readAgain(state, tag);
          throw error;
        }
        state.targets.set(tag, digest);
        state.tags.add(tag);
      }),
    async remove(state, tags) {
      for (const tag of tags) {
        await files.erase(layout.tag(state.name, tag));
        state.tags.delete(tag);
        state.targets.delete(tag);
      }
      await files.settleFolder(layout.tags(state.name));
    },
    async of(state, digest) {
      const found: Tag[] = [];
      for (const piece of state.tags.after("")) {
        for (const tag of piece) if ((await read(state, tag)) === digest) found.push(tag);
      }
      return found;
    },
  };
}

/** Undefined for what is not the record of this tag. */
export function decodeTag(file: Buffer, tag: Tag): Digest | undefined {
  const { tag: named, digest } = decodeRecord(file)?.fields ?? {};
  return named === tag && typeof digest === "string" && isDigest(digest) ? digest : undefined;
}
