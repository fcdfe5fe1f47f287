import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import type { Cleanup } from "./support/cleanup.ts";
import { temporaryFolder } from "./support/images.ts";
import { projectRoot } from "./support/root.ts";

type Generate = (root: string, options: { check: boolean }) => Promise<string[]>;
const root = projectRoot();
const PING = `
  /v2/{name}/ping/{word}:
    get:
      tags: [ping]
      operationId: getPing
      summary: Answers
      parameters:
        - { name: name, in: path, required: true, schema: { type: string } }
        - { name: word, in: path, required: true, schema: { type: string } }
      responses:
        "204": { description: It answers. }
`;

describe("npm run generate", () => {
  let generate: Generate;
  before(async () => {
    const script = pathToFileURL(join(root, "scripts/generate.mjs")).href;
    ({ generate } = (await import(script)) as { generate: Generate });
  });

  /** A copy of what the generator reads and writes. */
  const copy = (context: Cleanup): string => {
    const folder = temporaryFolder(context);
    for (const part of ["api", "gen", "ociregistry.yaml"])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    return folder;
  };
  const addPing = (folder: string): void => {
    const path = join(folder, "ociregistry.yaml");
    const yaml = readFileSync(path, "utf8");
    writeFileSync(path, yaml.replace("\ncomponents:\n", `${PING}\ncomponents:\n`));
  };

  it("would change nothing: gen/ is what ociregistry.yaml says", async () => {
    assert.deepEqual(await generate(root, { check: true }), []);
  });

  it("writes types, document, table and a stub for a new operation, and touches no other handler", async (context) => {
    const folder = copy(context);
    addPing(folder);
    writeFileSync(join(folder, "api/blobs/getBlob.ts"), "// edited by hand");
    const written = await generate(folder, { check: false });
    const expected = ["gen/openapi.ts", "gen/document.ts", "gen/operations.ts", "api/ping/getPing.ts"];
    assert.deepEqual(
      written,
      expected.map((path) => `wrote ${path}`),
    );
    assert.match(readFileSync(join(folder, "api/ping/getPing.ts"), "utf8"), /export const getPing: Handler<"getPing">/);
    assert.equal(readFileSync(join(folder, "api/blobs/getBlob.ts"), "utf8"), "// edited by hand");
    assert.deepEqual(await generate(folder, { check: false }), []);
  });

  it("--check names what is stale and the handler that is missing", async (context) => {
    const folder = copy(context);
    addPing(folder);
    const wrong = await generate(folder, { check: true });
    assert.match(wrong.join("\n"), /gen\/operations\.ts is stale/);
    assert.match(wrong.join("\n"), /api\/ping\/getPing\.ts is missing/);
  });

  it("--check names a handler that has no operation", async (context) => {
    const folder = copy(context);
    writeFileSync(join(folder, "api/blobs/getBlobs.ts"), "");
    rmSync(join(folder, "api/blobs/getBlob.ts"));
    const wrong = await generate(folder, { check: true });
    assert.equal(wrong.length, 2);
    assert.match(wrong.join("\n"), /api\/blobs\/getBlob\.ts is missing/);
    assert.match(wrong.join("\n"), /api\/blobs\/getBlobs\.ts is no handler/);
  });

  it("refuses two operations of one name", async (context) => {
    const folder = copy(context);
    addPing(folder);
    const path = join(folder, "ociregistry.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace("operationId: getPing", "operationId: getBlob"));
    await assert.rejects(generate(folder, { check: true }), /Two operations are called "getBlob"/);
  });
});
