import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { fallbackTags } from "../registry/layer/fallback-tags.ts";
import { immutableTags } from "../registry/layer/immutable-tags.ts";
import { overlay } from "../registry/layer/overlay.ts";
import { MEDIA_TYPES } from "../registry/media-types.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { memory } from "../registry/store/memory.ts";
import { pushBlob, pushImage, temporaryFolder, testImage } from "./support/images.ts";
import { refuses } from "./support/refuses.ts";
import { all } from "./support/world.ts";

const BELOW = testImage("team/app", "1.0", ["below", "shared"]);
const ABOVE = testImage("team/app", "1.0", ["above"]);

async function layered(): Promise<{ upper: Registry; lower: Registry; both: Registry }> {
  const [upper, lower] = [memory(), memory()];
  await pushImage(lower, BELOW);
  await pushImage(lower, testImage("team/other", "2", ["other"]));
  return { upper, lower, both: overlay(upper, lower) };
}

const digestAt = async (registry: Registry, name: string, tag: string) =>
  (await registry.statManifest(name, parseTag(tag))).digest;

describe("an overlay", () => {
  it("shadows a tag that is pushed, and shows it again when that is deleted", async () => {
    const { both } = await layered();
    await pushImage(both, ABOVE);
    assert.equal(await digestAt(both, "team/app", "1.0"), ABOVE.manifest.descriptor.digest);
    await both.getManifest("team/app", BELOW.manifest.descriptor.digest);
    assert.deepEqual(await all(both.listTags("team/app")), ["1.0"]);
    await both.deleteTag("team/app", parseTag("1.0"));
    assert.equal(await digestAt(both, "team/app", "1.0"), BELOW.manifest.descriptor.digest);
  });

  it("refuses to delete what is only below, and says where it comes from", async () => {
    const { both } = await layered();
    const reason = /folder of archives/;
    await refuses("UNSUPPORTED", both.deleteTag("team/app", parseTag("1.0")), reason);
    await refuses("UNSUPPORTED", both.deleteManifest("team/app", BELOW.manifest.descriptor.digest), reason);
    await refuses("UNSUPPORTED", both.deleteBlob("team/app", digestOf(BELOW.config)), reason);
    await refuses("MANIFEST_UNKNOWN", both.deleteTag("team/app", parseTag("nope")));
    await refuses("NAME_UNKNOWN", both.deleteTag("nobody", parseTag("nope")));
  });

  it("copies up what a pushed manifest is made of, so that it stays when the archive goes", async () => {
    const { both, upper } = await layered();
    const { mediaType } = BELOW.manifest.descriptor;
    await both.pushManifest("team/app", { mediaType, bytes: BELOW.manifest.bytes }, [parseTag("kept")]);
    assert.equal(await digestAt(upper, "team/app", "kept"), BELOW.manifest.descriptor.digest);
    for (const blob of [BELOW.config, ...BELOW.layers]) {
      const { body } = await upper.getBlob("team/app", digestOf(blob));
      assert.deepEqual(await readAll(streamOf(body)), blob);
    }
  });

  it("copies up as well into a registry that takes partial copies", async (context) => {
    const { lower } = await layered();
    const upper = await openDataStore(join(temporaryFolder(context), "data"), { sparse: true, sync: false });
    const { mediaType } = BELOW.manifest.descriptor;
    const both = overlay(upper.registry, lower);
    await both.pushManifest("team/app", { mediaType, bytes: BELOW.manifest.bytes }, [parseTag("kept")]);
    for (const blob of [BELOW.config, ...BELOW.layers]) await upper.registry.statBlob("team/app", digestOf(blob));
    await upper.close();
  });

  it("looks below only for repositories that are there", async () => {
    const { upper, lower } = await layered();
    let asked = 0;
    const counting: Registry = {
      ...lower,
      getManifest: (...args) => {
        asked++;
        return lower.getManifest(...args);
      },
    };
    const both = overlay(upper, counting, { mayHaveBelow: (name) => name === "team/app" });
    const { mediaType, digest } = BELOW.manifest.descriptor;
    const push = (name: string) => both.pushManifest(name, { mediaType, bytes: BELOW.manifest.bytes }, [parseTag("x")]);
    await refuses("MANIFEST_BLOB_UNKNOWN", push("new/one"));
    assert.equal(asked, 0);
    await push("team/app");
    assert.equal((await upper.statManifest("team/app", parseTag("x"))).digest, digest);
  });

  it("copies up the images of an index", async () => {
    const { both, upper } = await layered();
    const mediaType = MEDIA_TYPES.ociIndex;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [BELOW.manifest.descriptor] }));
    await both.pushManifest("team/app", { mediaType, bytes }, [parseTag("all")]);
    await upper.getManifest("team/app", BELOW.manifest.descriptor.digest);
    await upper.statBlob("team/app", digestOf(BELOW.config));
  });

  it("does not give a repository the blobs that another one has below", async () => {
    const { both } = await layered();
    const { mediaType } = BELOW.manifest.descriptor;
    const push = both.pushManifest("team/other", { mediaType, bytes: BELOW.manifest.bytes }, [parseTag("x")]);
    await refuses("MANIFEST_BLOB_UNKNOWN", push);
  });

  it("mounts from below, also without being told from where", async () => {
    const { upper, lower } = await layered();
    const both = overlay(upper, lower, { holderBelow: async () => "team/app" });
    const digest = digestOf(BELOW.config);
    await both.mountBlob("new/one", digest, { from: "team/app" });
    await both.mountBlob("new/two", digest);
    for (const name of ["new/one", "new/two"]) await upper.statBlob(name, digest);
    await refuses("BLOB_UNKNOWN", both.mountBlob("new/three", digestOf(Buffer.from("nowhere"))));
  });

  it("lists what is above and below once, in byte order", async () => {
    const { both } = await layered();
    for (const [name, tag] of [
      ["team/app", "0.9"],
      ["team/app", "1.0"],
      ["a", "1"],
      ["z", "1"],
    ] as const) {
      await pushImage(both, testImage(name, tag, ["above"]));
    }
    assert.deepEqual(await all(both.listRepositories()), ["a", "team/app", "team/other", "z"]);
    assert.deepEqual(await all(both.listRepositories({ after: "a" })), ["team/app", "team/other", "z"]);
    assert.deepEqual(await all(both.listTags("team/app")), ["0.9", "1.0"]);
    assert.deepEqual(await all(both.listTags("z")), ["1"]);
    await refuses("NAME_UNKNOWN", all(both.listTags("nobody")));
  });

  it("lists what comes in pieces of any length as if it came at once", async () => {
    const listing = (...pieces: readonly string[][]): Registry => ({
      ...memory(),
      async *listTags() {
        yield* pieces.map((piece) => piece.map(parseTag));
      },
    });
    for (const [above, below, expected] of [
      [[["a", "b"], ["c"]], [["b", "d"], [], ["e"]], "abcde"],
      [[[], ["a"], ["c"]], [["a", "b", "c"]], "abc"],
      [[["c"], ["d"]], [["a"], ["b"], ["d"]], "abcd"],
      [[[]], [["a"], ["b"]], "ab"],
      [[["a"], ["b"]], [], "ab"],
      [[], [[]], ""],
    ] as const satisfies [string[][], string[][], string][]) {
      assert.equal((await all(overlay(listing(...above), listing(...below)).listTags("app"))).join(""), expected);
    }
  });

  it("does not give what is below in place of what is damaged above", async () => {
    const { upper, lower } = await layered();
    await pushImage(upper, ABOVE);
    const damaged: Registry = {
      ...upper,
      getManifest: async () => {
        throw new RegistryError("MANIFEST_UNKNOWN", "1.0 is damaged", { damaged: true });
      },
    };
    await refuses(
      "MANIFEST_UNKNOWN",
      () => overlay(damaged, lower).getManifest("team/app", parseTag("1.0")),
      /damaged/,
    );
  });

  it("closes what it copies from when there is no place to copy to, and copies once for several", async () => {
    const { upper, lower } = await layered();
    let [opened, closed, started] = [0, 0, 0];
    const counting: Registry = {
      ...lower,
      getBlob: async (...args) => {
        opened++;
        const content = await lower.getBlob(...args);
        const stream = streamOf(content.body);
        return { ...content, body: { kind: "stream", stream, close: async () => void closed++ } };
      },
    };
    const digest = digestOf(BELOW.config);
    const full: Registry = {
      ...upper,
      startUpload: async () => {
        throw new RegistryError("INSUFFICIENT_STORAGE");
      },
    };
    await refuses("INSUFFICIENT_STORAGE", overlay(full, counting).mountBlob("new", digest, { from: "team/app" }));
    assert.deepEqual([opened, closed], [1, 1]);
    const once: Registry = {
      ...upper,
      startUpload: (...args) => {
        started++;
        return upper.startUpload(...args);
      },
    };
    const both = overlay(once, lower);
    await Promise.all(["1", "2", "3"].map(() => both.mountBlob("new", digest, { from: "team/app" })));
    assert.equal(started, 1);
  });

  it("takes a name with and without library/ for one repository", async () => {
    const { both } = await layered();
    await pushImage(both, testImage("library/app", "1", ["x"]));
    assert.equal(await digestAt(both, "app", "1"), await digestAt(both, "library/app", "1"));
    assert.deepEqual(await all(both.listRepositories()), ["app", "team/app", "team/other"]);
  });
});

describe("immutable tags", () => {
  const fixed = (next: Registry): Registry => immutableTags(next, (tag) => tag.startsWith("v"));
  const FIRST = testImage("app", "v1", ["first"]);
  const SECOND = testImage("app", "v1", ["second"]);

  it("are set once, and pushing the same again is no change", async () => {
    const registry = fixed(memory());
    await pushImage(registry, FIRST);
    await pushImage(registry, FIRST);
    await refuses("DENIED", pushImage(registry, SECOND), /immutable/);
    assert.equal(await digestAt(registry, "app", "v1"), FIRST.manifest.descriptor.digest);
  });

  it("stay, whichever way they are to be removed", async () => {
    const registry = fixed(memory());
    await pushImage(registry, FIRST);
    await refuses("DENIED", registry.deleteTag("app", parseTag("v1")));
    await refuses("DENIED", registry.deleteManifest("app", FIRST.manifest.descriptor.digest));
    assert.equal(await digestAt(registry, "app", "v1"), FIRST.manifest.descriptor.digest);
  });

  it("are only those that the pattern names", async () => {
    const registry = fixed(memory());
    await pushImage(registry, { ...FIRST, tag: "latest" });
    await pushImage(registry, { ...SECOND, tag: "latest" });
    assert.equal(await digestAt(registry, "app", "latest"), SECOND.manifest.descriptor.digest);
    await registry.deleteTag("app", parseTag("latest"));
  });

  it("stay when they cannot be read just now, or are damaged", async () => {
    for (const error of [
      new RegistryError("UNAVAILABLE"),
      new RegistryError("MANIFEST_UNKNOWN", "damaged", { damaged: true }),
    ]) {
      const store = memory();
      await pushImage(store, FIRST);
      const failing: Registry = {
        ...store,
        statManifest: async () => {
          throw error;
        },
      };
      await assert.rejects(pushImage(fixed(failing), SECOND));
      await assert.rejects(fixed(failing).deleteTag("app", parseTag("v1")));
      assert.equal(await digestAt(store, "app", "v1"), FIRST.manifest.descriptor.digest);
    }
  });

  it("cannot be had by two at the same moment", async () => {
    const registry = fixed(memory());
    for (const { config, layers } of [FIRST, SECOND]) {
      for (const blob of [config, ...layers]) await pushBlob(registry, "app", blob);
    }
    const pushes = [FIRST, SECOND].map(({ manifest: { descriptor, bytes } }) =>
      registry.pushManifest("app", { mediaType: descriptor.mediaType, bytes }, [parseTag("v1")]),
    );
    const outcomes = (await Promise.allSettled(pushes)).map(({ status }) => status);
    assert.deepEqual(outcomes, ["fulfilled", "rejected"]);
  });
});

describe("fallback tags", () => {
  const subject = BELOW.manifest.descriptor;
  const fallback = parseTag(subject.digest.replace(":", "-"));
  const signature = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "application/vnd.example.signature",
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(Buffer.from("{}")), size: 2 },
    layers: [],
    subject,
  };
  const bytes = Buffer.from(JSON.stringify(signature));

  async function signed(): Promise<Registry> {
    const registry = fallbackTags(memory());
    await pushImage(registry, BELOW);
    await pushBlob(registry, "team/app", Buffer.from("{}"));
    await registry.pushManifest("team/app", { mediaType: MEDIA_TYPES.ociManifest, bytes });
    return registry;
  }

  it("lead clients that know no referrers to them, and are not listed", async () => {
    const registry = await signed();
    const index = await registry.getManifest("team/app", fallback);
    assert.equal(index.descriptor.mediaType, MEDIA_TYPES.ociIndex);
    assert.deepEqual(JSON.parse(Buffer.from(index.bytes).toString()).manifests, [
      {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: digestOf(bytes),
        size: bytes.length,
        artifactType: signature.artifactType,
      },
    ]);
    assert.deepEqual(await registry.statManifest("team/app", fallback), index.descriptor);
    assert.deepEqual(await all(registry.listTags("team/app")), ["1.0"]);
  });

  it("that were pushed are served as they are, and what they list is known as referrers", async () => {
    const registry = await signed();
    const list = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
    const pushed = { mediaType: MEDIA_TYPES.ociIndex, bytes: Buffer.from(JSON.stringify(list)) };
    await registry.pushManifest("team/app", pushed, [fallback]);
    assert.deepEqual(Buffer.from((await registry.getManifest("team/app", fallback)).bytes), pushed.bytes);
    const referrers = await all(registry.listReferrers("team/app", subject.digest));
    assert.deepEqual(
      referrers.map(({ digest }) => digest),
      [digestOf(bytes)],
    );
  });

  it("of more referrers than fit into a manifest do not exist", async () => {
    const registry = await signed();
    for (const number of [1, 2]) {
      const large = { ...signature, annotations: { large: String(number).repeat(600_000) } };
      await registry.pushManifest("team/app", { bytes: Buffer.from(JSON.stringify(large)) });
    }
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("team/app", fallback));
    assert.equal((await all(registry.listReferrers("team/app", subject.digest))).length, 3);
  });

  it("of what nobody refers to do not exist", async () => {
    const registry = fallbackTags(memory());
    await pushImage(registry, BELOW);
    await refuses("MANIFEST_UNKNOWN", () => registry.getManifest("team/app", fallback));
    await refuses("NAME_UNKNOWN", () => registry.getManifest("nobody", fallback));
  });
});
