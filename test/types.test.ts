import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import ts from "typescript";
import { projectRoot } from "./support/root.ts";

const root = projectRoot();
const CASE = join(root, "test", "handler-under-test.ts");

/** What the compiler says of a file that does not exist, compiled with the project's own options. */
function compile(source: string): string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root, {
    noEmit: true,
    incremental: false,
  });
  // The cases import alike and use what they need.
  options.noUnusedLocals = false;
  delete options.tsBuildInfoFile;
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === CASE || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === CASE ? ts.createSourceFile(path, source, rest[0]) : getSourceFile(path, ...rest);
  const program = ts.createProgram([CASE], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const IMPORTS = `
  import { handlers } from "../api/handlers.ts";
  import type { Handler, Handlers } from "../api/operation.ts";
  import { RegistryError } from "../registry/errors.ts";
`;

const HEADERS = `{
  "Content-Type": "application/octet-stream", "Content-Length": "1", "Docker-Content-Digest": "sha256:x",
  ETag: '"sha256:x"', "Cache-Control": "no-cache", "Accept-Ranges": "bytes",
}`;

const MISTAKES: Record<string, { source: string; says: RegExp }> = {
  "a missing handler": {
    source:
      "const { getBlob, ...others } = handlers; export const all = others satisfies Handlers; export { getBlob };",
    says: /Property 'getBlob' is missing/,
  },
  "an undeclared status": {
    source: `export const handler: Handler<"headBlob"> = () => ({ status: 201, headers: ${HEADERS} });`,
    says: /201/,
  },
  "a forgotten required header": {
    source: `export const handler: Handler<"deleteBlob"> = () => ({ status: 202, headers: {} });
      export const other: Handler<"redirectToBase"> = () => ({ status: 301, headers: {} });`,
    says: /Location/,
  },
  "a wrong parameter name": {
    source: `export const handler: Handler<"headBlob"> = ({ path }) => {
      throw new RegistryError("BLOB_UNKNOWN", path.repository);
    };`,
    says: /Property 'repository' does not exist/,
  },
  "an unknown error code": {
    source: `export const error = new RegistryError("BLOB_MISSING");`,
    says: /"BLOB_MISSING"/,
  },
};

describe("the compiler binds handlers to the document", () => {
  it("and accepts a handler that fits it", () => {
    const source = `export const handler: Handler<"headBlob"> = ({ path, headers }) => {
      if (headers["if-none-match"] === path.digest) throw new RegistryError("BLOB_UNKNOWN", path.name);
      return { status: 200, headers: ${HEADERS} };
    };
    export const all: Handlers = handlers;`;
    assert.deepEqual(compile(IMPORTS + source), []);
  });

  for (const [mistake, { source, says }] of Object.entries(MISTAKES)) {
    it(`${mistake} does not compile`, () => {
      const [error = "", ...others] = compile(IMPORTS + source);
      assert.match(error, says);
      assert.deepEqual(others, []);
    });
  }
});
