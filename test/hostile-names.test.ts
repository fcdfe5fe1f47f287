import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { askMany, requestLine } from "./support/flood.ts";
import { pushImage, testImage } from "./support/images.ts";
import { cannotMeasure, memoryOf, peakOf } from "./support/process.ts";
import { serveData } from "./support/serve-data.ts";
import { ask } from "./support/server.ts";

const PUSHED = testImage("app", "1", ["pushed"]);
const DROPPED = testImage("dropped", "1", ["dropped"]);
const EACH = 12_500;

const digest = (number: number): string => `sha256:${createHash("sha256").update(`${number}`).digest("hex")}`;
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digest(0), size: 1 },
  layers: [],
});
const PUSH = [
  "Content-Type: application/vnd.oci.image.manifest.v1+json",
  `Content-Length: ${Buffer.byteLength(MANIFEST)}`,
] as const;

/** Long, because what was asked for may be remembered by its URL. */
const get = (path: string): string => requestLine("GET", `/v2/${path}?ns=${"x".repeat(350)}`);

/** What is asked for with another digest, tag or name each time, and the answers that are right. */
const KINDS: Record<string, { readonly right: readonly number[]; of(number: number): string }> = {
  "blobs that are not there": { right: [404], of: (n) => get(`app/blobs/${digest(n)}`) },
  "blobs that no archive has": { right: [404], of: (n) => get(`dropped/blobs/${digest(n)}`) },
  "manifests that are not there": { right: [404], of: (n) => get(`app/manifests/${digest(n)}`) },
  "manifests that no archive has": {
    right: [404],
    of: (n) => get(`dropped/manifests/${digest(n)}`),
  },
  tags: { right: [404], of: (n) => get(`app/manifests/tag-${n}`) },
  "tags that stand for referrers": {
    right: [404],
    of: (n) => get(`app/manifests/${digest(n).replace(":", "-")}`),
  },
  referrers: { right: [200], of: (n) => get(`app/referrers/${digest(n)}`) },
  "repositories to push to": {
    right: [400],
    of: (n) => requestLine("PUT", `/v2/nobody-${n}/${"x".repeat(200)}/manifests/1`, ...PUSH) + MANIFEST,
  },
};

describe("a client that asks for 100,000 different things", { skip: cannotMeasure() }, () => {
  it("gets its answers, others get theirs, and the server keeps nothing of it", async (context) => {
    const { origin, port, pid, registry } = await serveData(context, [DROPPED]);
    await pushImage(registry, PUSHED);
    const flood = (first: number, count: number) =>
      Promise.all(
        Object.entries(KINDS).map(async ([what, { right, of }]) => {
          const requests = Array.from({ length: count }, (_, index) => of(first + index));
          const statuses = await askMany(context, port, requests);
          assert.deepEqual([...statuses.keys()], right, what);
        }),
      );
    // What is compiled and loaded with the first of each kind is no growth.
    await flood(0, 1000);
    const before = memoryOf(pid);
    const { descriptors, memory } = await peakOf(pid, async () => {
      const flooding = flood(1000, EACH);
      for (const { repository, manifest } of [PUSHED, DROPPED]) {
        const { body } = await ask(origin, "GET", `/v2/${repository}/manifests/1`);
        assert.ok(body.equals(Buffer.from(manifest.bytes)));
      }
      await flooding;
    });
    assert.ok(descriptors < 100, `${descriptors} descriptors`);
    assert.ok(memory < before + 120, `${before} and then ${memory} MiB`);
  });
});
