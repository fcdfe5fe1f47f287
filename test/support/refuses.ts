import assert from "node:assert/strict";
import { type ErrorCode, RegistryError } from "../../registry/errors.ts";
import type { Soon } from "../../registry/soon.ts";

/** Fails unless the registry refuses with this code, and for a reason like this one. What may throw at once is a function. */
export async function refuses(
  code: ErrorCode,
  attempt: Promise<unknown> | (() => Soon<unknown>),
  reason = /./,
): Promise<void> {
  await assert.rejects(typeof attempt === "function" ? async () => attempt() : attempt, (error) => {
    assert.ok(error instanceof RegistryError, `expected a refusal, got ${String(error)}`);
    assert.equal(error.code, code);
    assert.match(error.message, reason);
    return true;
  });
}
