import { MEDIA_TYPES } from "../../media-types.ts";
import { resolveRange } from "../../range.ts";
import { isOfType } from "../../referrers.ts";
import type { Lister, Reader } from "../../registry.ts";
import { whenHere } from "../../soon.ts";
import { findManifest, findRepository, type Holdings, sizeIn } from "./holdings.ts";
import { digestNamedBy } from "./layout.ts";

/** What can be read of a data folder. Changes nothing in it, but for bytes that are found damaged. */
export function readerOf(holdings: Holdings): Reader & Lister {
  const { disk, layout, leases, repositories, manifests, blobs } = holdings;
  return {
    getBlob: (name, digest, options) =>
      whenHere(findRepository(holdings, name), (state) => {
        const size = sizeIn(state, digest);
        const range = resolveRange(options?.range, size);
        return whenHere(blobs.open(digest, size, range), (body) => ({
          descriptor: { mediaType: MEDIA_TYPES.blob, digest, size },
          range,
          body,
        }));
      }),
    async statBlob(name, digest) {
      const state = await findRepository(holdings, name);
      // Before it is looked up: from here on the collection sees that somebody counts on it.
      leases.renew(name);
      const size = sizeIn(state, digest);
      await blobs.stat(digest, size);
      return { mediaType: MEDIA_TYPES.blob, digest, size };
    },
    getManifest: (name, reference) => findManifest(holdings, name, reference),
    statManifest: (name, reference) =>
      whenHere(findManifest(holdings, name, reference), ({ descriptor }) => descriptor),

    listRepositories: ({ after = "" } = {}) => repositories.list(after),
    async *listTags(name, { after = "" } = {}) {
      yield* (await findRepository(holdings, name)).tags.after(after);
    },
    async *listReferrers(name, subject, options = {}) {
      const state = await repositories.find(name);
      if (!state) return;
      const { after = "" } = options;
      const marked = (await disk.list(layout.referrers(name, subject))).flatMap((file) => digestNamedBy(file) ?? []);
      for (const digest of marked.filter((each) => each > after && state.manifests.has(each)).sort()) {
        const manifest = await manifests.read(name, digest);
        if (manifest?.subject === subject && isOfType(manifest.referrer, options)) yield [manifest.referrer];
      }
    },
  };
}
