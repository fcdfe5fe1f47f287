import assert from "node:assert/strict";
import { type Operation, SetMatchType } from "openapi-backend";
import { createStockBackend } from "../../api/backend.ts";
import { OPERATIONS } from "../../gen/operations.ts";
import type { Answer } from "./server.ts";

/** Initialised strictly, so the document itself is checked too. */
const api = await createStockBackend({ quick: false });

const HEADER_OF_HTTP = new Set(["date", "connection", "keep-alive", "content-length", "content-type"]);

/**
 * Asserts that an answer is one that ociregistry.yaml declares for the operation: its status, its body, each header that
 * is required, and no header that is not there.
 */
export function assertDeclared(operationId: string, method: string, { status, headers, body }: Answer): void {
  const operation = api.getOperation(operationId);
  assert.ok(operation, operationId);
  const declared = responseOf(operation, status);
  assert.ok(declared, `${operationId} does not declare ${status}`);

  const checked = api.validateResponseHeaders(canonical(headers, declared), operation, {
    statusCode: status,
    setMatchType: SetMatchType.Any,
  });
  assert.deepEqual(checked.errors ?? [], [], `${operationId} ${status}: headers`);
  for (const [name, { required }] of Object.entries(declared.headers ?? {})) {
    if (required) assert.ok(name.toLowerCase() in headers, `${operationId} ${status} has no ${name}`);
  }
  const names = new Set(Object.keys(declared.headers ?? {}).map((name) => name.toLowerCase()));
  const undeclared = Object.keys(headers).filter((name) => !names.has(name) && !HEADER_OF_HTTP.has(name));
  assert.deepEqual(undeclared, [], `${operationId} ${status}: undeclared headers`);

  const types = Object.keys(declared.content ?? {});
  if (method === "HEAD" || types.length === 0) {
    assert.equal(body.length, 0, `${operationId} ${status} has a body`);
    return;
  }
  const declaresType = types.includes("*/*") || types.includes(headers["content-type"] ?? "");
  assert.ok(declaresType, `${operationId} ${status}: ${headers["content-type"]}`);
  if (headers["content-type"] === "application/json") {
    const { errors } = api.validateResponse(JSON.parse(body.toString()), operation, status);
    assert.deepEqual(errors ?? [], [], `${operationId} ${status}: body`);
  }
}

interface Response {
  readonly headers?: Record<string, { readonly required?: boolean }>;
  readonly content?: Record<string, unknown>;
}

const responseOf = (operation: Operation, status: number): Response | undefined =>
  (operation.responses as Record<string, Response> | undefined)?.[String(status)];

/** With the names as the document writes them, which is how openapi-backend looks them up. */
function canonical(headers: Answer["headers"], { headers: declared = {} }: Response): Record<string, unknown> {
  const present = Object.keys(declared).filter((name) => name.toLowerCase() in headers);
  return Object.fromEntries(present.map((name) => [name, headers[name.toLowerCase()]]));
}

/** Every operation with each status that it may answer with, as `getBlob 200`. */
export const DECLARED = Object.entries(OPERATIONS).flatMap(([id, { statuses }]) =>
  statuses.map((status) => `${id} ${status}`),
);
