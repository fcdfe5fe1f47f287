import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { parseDigest } from "../../registry/reference.ts";
import type { Catalogue } from "../../registry/store/catalogue.ts";
import { folder } from "../../registry/store/folder.ts";
import {
  COLLECTIONS,
  type Collection,
  type Fixture,
  forgetFixture,
  INCOMPLETE,
  obtainable,
  openFixture,
  REFUSED,
} from "../support/fixtures.ts";
import { startServer } from "../support/server.ts";
import { describeClient } from "./describeClient.ts";
import { findProgram, type Tool, tool } from "./programs.ts";
import { makeScratch } from "./scratch.ts";
import { sha256 } from "./server.ts";

/** A reference that has to work, and the digest that it has to lead to. */
interface Expected {
  readonly reference: string;
  readonly digest: string;
  readonly isIndex: boolean;
}

/** Every tag of a folder, and every digest that its images had in their registry and that can be had. */
async function expectedOf({ repositories }: Catalogue, fixture: Fixture): Promise<Expected[]> {
  const expected = [...repositories.values()].map(async ({ name, tags, findManifest }) => {
    const originals = obtainable(fixture).map((digest) => findManifest(parseDigest(digest)));
    const describeAs = (reference: string, { mediaType, digest }: { mediaType: string; digest: string }): Expected => ({
      reference,
      digest,
      isIndex: /index|list/.test(mediaType),
    });
    return [
      ...[...tags].map(([tag, { manifest }]) => describeAs(`${name}:${tag}`, manifest.descriptor)),
      ...(await Promise.all(originals)).flatMap((found) =>
        found ? [describeAs(`${name}@${found.descriptor.digest}`, found.descriptor)] : [],
      ),
    ];
  });
  return (await Promise.all(expected)).flat();
}

for (const collection of COLLECTIONS) {
  describeClient(`crane and skopeo, ${collection.title}`, { programs: ["crane", "skopeo"] }, (cleanup) => {
    let scratch: string;
    let crane: Tool;
    let skopeo: Tool;

    before(async () => {
      scratch = await makeScratch(cleanup);
      crane = tool(findProgram("crane"), scratch);
      skopeo = tool(findProgram("skopeo"), scratch, "--insecure-policy", "--tmpdir", scratch);
    });

    describe("pull by tag and by the digest that it had", () => {
      for (const fixture of collection.fixtures) {
        if (!fixture.valid || fixture.id in REFUSED || fixture.id === INCOMPLETE) continue;
        it(`${fixture.id} (${fixture.tool})`, () => pullAll(collection, fixture));
      }
    });

    async function pullAll(from: Collection, fixture: Fixture): Promise<void> {
      const root = join(scratch, fixture.id);
      const live = await openFixture(from, fixture, root);
      const server = await startServer(folder(live));
      try {
        const host = server.origin.slice("http://".length);
        const expected = await expectedOf(live.current, fixture);
        assert.ok(expected.length > 0, "there is nothing to pull");
        for (const each of expected) await pull(host, each);
      } finally {
        await server.close();
        forgetFixture(root);
        rmSync(root, { recursive: true });
      }
    }

    async function pull(host: string, { reference, digest, isIndex }: Expected): Promise<void> {
      assert.equal(sha256(await crane("manifest", `${host}/${reference}`)), digest);
      const target = join(scratch, "pulled");
      // An export may hold other platforms than this machine's; its index can be pulled all the same.
      const what = isIndex ? ["--multi-arch=index-only"] : [];
      await skopeo("copy", "--src-tls-verify=false", ...what, `docker://${host}/${reference}`, `dir:${target}`);
      rmSync(target, { recursive: true });
    }
  });
}
