import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenAPIRouter } from "openapi-backend";
import { createBackend } from "../api/backend.ts";
import { allowed, operationFor } from "../api/router.ts";
import { RegistryError } from "../registry/errors.ts";

const api = await createBackend();
const DIGEST = `sha256:${"a".repeat(64)}`;

/** What the distribution specification says of a path, one expression for each endpoint, written independently. */
const ENDPOINTS: readonly [RegExp, string][] = [
  [/^\/v2$/, "/v2"],
  [/^\/v2\/$/, "/v2/"],
  [/^\/v2\/_catalog$/, "/v2/_catalog"],
  [/^\/v2\/(?<name>.*)\/blobs\/uploads\/?$/s, "/v2/{name}/blobs/uploads/"],
  [/^\/v2\/(?<name>.*)\/blobs\/uploads\/(?<session>[^/]+)$/s, "/v2/{name}/blobs/uploads/{session}"],
  [/^\/v2\/(?<name>.*)\/tags\/list$/s, "/v2/{name}/tags/list"],
  [/^\/v2\/(?<name>.*)\/manifests\/(?<reference>[^/]+)$/s, "/v2/{name}/manifests/{reference}"],
  [/^\/v2\/(?<name>.*)\/blobs\/(?<digest>[^/]+)$/s, "/v2/{name}/blobs/{digest}"],
  [/^\/v2\/(?<name>.*)\/referrers\/(?<digest>[^/]+)$/s, "/v2/{name}/referrers/{digest}"],
];

function expected(path: string): { path: string; params: object } | undefined {
  for (const [expression, template] of ENDPOINTS) {
    const found = expression.exec(path);
    if (found) return { path: template, params: { ...found.groups } };
  }
  return undefined;
}

function actual(path: string): { path: string; params: object } | undefined {
  const match = api.match(path);
  const [operation] = Object.values(match?.operations ?? {});
  return match && operation ? { path: operation.path, params: match.params } : undefined;
}

describe("the router", () => {
  it("lists the operations that the router of openapi-backend lists", () => {
    const stock = new OpenAPIRouter({ definition: api.definition });
    assert.ok(api.router.getOperations().length > 10);
    assert.deepEqual(api.router.getOperations(), stock.getOperations());
  });

  it("agrees with the specification on every path of up to six segments", () => {
    const words = ["blobs", "uploads", "manifests", "tags", "list", "referrers", "a", DIGEST, ""];
    let paths = [""];
    let checked = 0;
    for (let depth = 1; depth <= 6; depth++) {
      paths = paths.flatMap((path) => words.map((word) => `${path}/${word}`));
      for (const path of paths) {
        const [is, should] = [actual(`/v2${path}`), expected(`/v2${path}`)];
        // Comparing text is quick enough for half a million of them.
        if (is?.path !== should?.path || text(is?.params) !== text(should?.params)) {
          assert.deepEqual(is, should, `/v2${path}`);
        }
        checked++;
      }
    }
    assert.equal(checked, 597_870);
  });

  it("takes names of any depth, also such as look like endpoints", () => {
    const names = ["a", "a/b/c/d/e/f/g", "blobs", "manifests", "a/blobs/b", "tags/list", "a/blobs/uploads", "uploads"];
    for (const name of names) {
      assert.deepEqual(actual(`/v2/${name}/tags/list`)?.params, { name });
      assert.deepEqual(actual(`/v2/${name}/manifests/list`)?.params, { name, reference: "list" });
      assert.deepEqual(actual(`/v2/${name}/blobs/uploads/`)?.params, { name });
    }
  });

  it("reads %2F and %3A as / and :", () => {
    const path = "/v2/team%2fapp%2Fweb/blobs/sha256%3Aabc";
    assert.deepEqual(actual(path)?.params, { name: "team/app/web", digest: "sha256:abc" });
  });

  it("decodes once", () => {
    assert.deepEqual(actual("/v2/a%252Fb/tags/list")?.params, { name: "a%2Fb" });
  });

  it("refuses an escape that is not UTF-8", () => {
    const isNameInvalid = (error: unknown) => error instanceof RegistryError && error.code === "NAME_INVALID";
    assert.throws(() => api.match("/v2/%E0%A4%A/tags/list"), isNameInvalid);
  });

  it("answers HEAD wherever GET works, and says which methods a path takes", () => {
    const match = api.match("/v2/a/tags/list");
    assert.ok(match);
    assert.equal(operationFor(match, "HEAD")?.operationId, "listTags");
    assert.equal(operationFor(match, "DELETE"), undefined);
    assert.equal(allowed(match), "GET, HEAD");
    const manifests = api.match("/v2/a/manifests/x");
    assert.ok(manifests);
    assert.equal(allowed(manifests), "DELETE, GET, HEAD, PUT");
  });
});

const text = (params: object | undefined): string =>
  JSON.stringify(Object.entries(params ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
