import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Context, OpenAPIBackend } from "openapi-backend";
import { createBackend, createStockBackend, queryOf } from "../api/backend.ts";
import { asRegistryError, errorBody } from "../api/errors.ts";
import type { AnyReply } from "../api/operation.ts";
import { OPERATIONS } from "../gen/operations.ts";
import { digestOf } from "../registry/reference.ts";

const lean = await createBackend();
const stock = await createStockBackend({ quick: true });
for (const api of [lean, stock]) {
  // What a handler would be called with is what has to be the same.
  for (const id of Object.keys(OPERATIONS)) {
    api.handlers[id] = ({ request: { params, query } }: Context) => ({ id, params, query: { ...query } });
  }
}

const DIGEST = digestOf(Buffer.from("x"));

/** The stock pipeline wants the query parsed; it is given the same one, or it would refuse what it does not know. */
async function outcome(api: OpenAPIBackend, method: string, path: string): Promise<unknown> {
  try {
    const match = api === stock ? stock.router.matchOperation({ method, path, headers: {} }) : undefined;
    const query = match ? queryOf(path, declaredQuery(match.operationId ?? "")) : {};
    const result = await api.handleRequest({ method, path, headers: {}, ...(api === stock ? { query } : {}) });
    return (result as AnyReply).json ?? result;
  } catch (error) {
    return errorBody(asRegistryError(error));
  }
}

function declaredQuery(id: string): ReadonlyMap<string, { repeated: boolean }> {
  const parameters = (stock.getOperation(id)?.parameters ?? []) as unknown as {
    in: string;
    name: string;
    schema: { type?: string };
  }[];
  const query = parameters.filter((parameter) => parameter.in === "query");
  return new Map(query.map(({ name, schema }) => [name, { repeated: schema.type === "array" }]));
}

describe("the lean pipeline does what the stock one does", () => {
  const same = async (method: string, path: string): Promise<void> => {
    const [is, should] = [await outcome(lean, method, path), await outcome(stock, method, path)];
    assert.deepEqual(JSON.parse(JSON.stringify(is)), JSON.parse(JSON.stringify(should)), `${method} ${path}`);
  };

  it("for requests that are valid and such as are not", async () => {
    const paths = [
      ...["/v2", "/v2/", "/v2/_catalog", "/v2/_catalog?n=3&last=a", "/v2/_catalog?n=x", "/v2/nonsense", "/v2//"],
      ...["/v2/a/tags/list", "/v2/a/b/c/tags/list?n=0", "/v2/A/tags/list", "/v2/%E0%A4%A/tags/list"],
      ...["/v2/a/manifests/x?tag=a&tag=b", "/v2/a/manifests/x?tag=-", "/v2/a%2Fb/manifests/sha256%3Aabc"],
      ...[`/v2/a/blobs/${DIGEST}`, "/v2/a/blobs/x", "/v2/a/blobs/uploads/", "/v2/a/blobs/uploads"],
      ...[`/v2/a/blobs/uploads/?mount=${DIGEST}&from=b`, `/v2/a/blobs/uploads/?mount=x`, "/v2/a/blobs/uploads/s"],
      ...[`/v2/a/blobs/uploads/s?digest=${DIGEST}`, "/v2/a/blobs/uploads/s?digest=x"],
      ...[`/v2/a/referrers/${DIGEST}?artifactType=a%2Bb&artifactType=c`, `/v2/a/referrers/${DIGEST}?ns=x&other=1`],
    ];
    for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]) {
      for (const path of paths) await same(method, path);
    }
  });

  it("for requests that nobody thought of", async () => {
    const name = fc.stringMatching(/^[a-z0-9A-Z./_%-]{1,12}$/);
    const rest = fc.constantFrom("tags/list", "manifests/x", "blobs/y", `blobs/${DIGEST}`, "blobs/uploads/", "x");
    const query = fc.constantFrom("", "?n=1", "?n=-1", "?last=a%20b", "?tag=x&tag=y", "?digest=z", "?artifactType=a");
    const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE");
    const request = fc.tuple(method, name, rest, query);
    await fc.assert(
      fc.asyncProperty(request, ([verb, repository, tail, search]) => same(verb, `/v2/${repository}/${tail}${search}`)),
      { numRuns: 500 },
    );
  });
});
