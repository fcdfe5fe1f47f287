import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";
import { type Cleanup, cleanupAfterSuite } from "./cleanup.ts";
import { interruption } from "./interruption.ts";
import { findPrograms } from "./programs.ts";

/** What a client's tests cannot do without. */
export interface Needs {
  programs: string[];
  /** It makes containers, for which the sample image must fit this machine. */
  containers?: boolean;
}

/**
 * The tests of one client. They are skipped where the client cannot be used, except in CI and with
 * REQUIRE_CLIENTS set: there they fail instead, so that nobody mistakes skipped for passed.
 */
export function describeClient(client: string, needs: Needs, tests: (cleanup: Cleanup) => void): void {
  const obstacle = findObstacle(needs);
  const required = Boolean(process.env.CI || process.env.REQUIRE_CLIENTS);
  if (obstacle === undefined) describe(client, () => interruptible(tests));
  else if (required) it(client, () => assert.fail(obstacle));
  else it(client, { skip: obstacle });
}

function interruptible(tests: (cleanup: Cleanup) => void): void {
  before(() => interruption.throwIfAborted());
  beforeEach(() => interruption.throwIfAborted());
  tests(cleanupAfterSuite());
}

function findObstacle({ programs, containers }: Needs): string | undefined {
  const missing = programs.filter((name) => findPrograms(name).length === 0);
  if (missing.length > 0) return `not installed: ${missing.join(", ")} (scripts/clients.sh)`;
  if (!containers) return undefined;
  if (process.platform !== "linux" || process.arch !== "x64") return "needs Linux on x86-64";
  return process.getuid?.() === 0 ? undefined : "needs root";
}
