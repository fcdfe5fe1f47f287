import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { document } from "../gen/document.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { temporaryFolder } from "./support/images.ts";
import { projectRoot } from "./support/root.ts";
import { ask, startServer } from "./support/server.ts";

const root = projectRoot();
const SAMPLE = join(root, "images/hello/latest");

describe("the sample image", () => {
  it("is what its script makes, byte for byte", async (context) => {
    const made = temporaryFolder(context);
    const script = pathToFileURL(join(root, "scripts/sample.mjs")).href;
    const { writeSample } = (await import(script)) as { writeSample: (folder: string) => unknown };
    writeSample(made);
    assert.deepEqual(readdirSync(made).sort(), readdirSync(SAMPLE).sort());
    for (const file of readdirSync(made))
      assert.deepEqual(readFileSync(join(made, file)), readFileSync(join(SAMPLE, file)));
  });

  it("answers every example of the document as it is written there", async (context) => {
    const server = await startServer(folder({ current: readFolder(join(root, "images")) }));
    context.after(() => server.close());
    const examples = examplesOf(document);
    assert.ok(examples.length >= 5);
    for (const { method, path, status, type, value } of examples) {
      const { status: actual, headers, body } = await ask(server.origin, method, path);
      assert.deepEqual([actual, headers["content-type"]], [status, type], path);
      assert.deepEqual(JSON.parse(body.toString()), value, path);
    }
    const digests = new Set(JSON.stringify(document).match(/sha256:[a-f0-9]{64}/g));
    assert.ok(digests.size >= 4);
    for (const digest of digests) {
      const found = await Promise.all(
        ["blobs", "manifests"].map((kind) => ask(server.origin, "HEAD", `/v2/hello/${kind}/${digest}`)),
      );
      assert.ok(
        found.some(({ status }) => status === 200),
        `${digest} is in the document and not in the sample`,
      );
    }
  });
});

interface Example {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly value: unknown;
}

/** The examples of what GET answers, with the request that gives them: parameters have their own example values. */
function examplesOf({ paths }: typeof document): Example[] {
  const values: Record<string, string> = { name: "hello", reference: "latest" };
  const { manifest } = document.components.parameters.Digest.examples;
  values["digest"] = manifest.value;
  return Object.entries(paths).flatMap(([template, item]) => {
    const operation = "get" in item ? (item.get as { responses: Record<string, Response> }) : undefined;
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
    return Object.entries(operation?.responses ?? {}).flatMap(([status, { content = {} }]) =>
      Object.entries(content).flatMap(([type, { example }]) =>
        example === undefined ? [] : [{ method: "GET", path, status: Number(status), type, value: example }],
      ),
    );
  });
}

interface Response {
  readonly content?: Record<string, { readonly example?: unknown }>;
}
