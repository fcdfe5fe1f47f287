import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Operation } from "./support/operations.ts";
import {
  type Figures,
  type Mishap,
  noFigures,
  type SimulationOptions,
  type Step,
  simulate,
} from "./support/simulation.ts";

const THOROUGH = process.env["OCIREGISTRY_THOROUGH"] !== undefined;

const operation = (given: Operation, mishap?: Mishap): Step => ({
  step: "operation",
  operation: given,
  beside: false,
  mishap,
});
const step = (given: Operation) => (mishap?: Mishap) => operation(given, mishap);

/** A tag on an image, an older image, an index with what refers to it, and a blob that nobody needs. */
const BEFORE: readonly Step[] = [
  { step: "image", repository: 0, manifest: 0, tags: [0, 1] },
  { step: "image", repository: 0, manifest: 1, tags: [2] },
  { step: "image", repository: 1, manifest: 5, tags: [0] },
  { step: "image", repository: 1, manifest: 3, tags: [] },
  operation({ do: "push", repository: 0, blob: 0, way: "whole" }),
  { step: "wait", seconds: 20 },
];

const STEPS: Record<string, (mishap?: Mishap) => Step> = {
  "pushing a blob": step({ do: "push", repository: 0, blob: 5, way: "pieces" }),
  "pushing a blob to a new repository": step({ do: "push", repository: 2, blob: 2, way: "whole" }),
  "pushing a blob that is there": step({ do: "push", repository: 1, blob: 2, way: "resumed" }),
  "mounting a blob": step({ do: "mount", repository: 2, blob: 2, from: 0 }),
  "pushing a manifest with tags": step({ do: "manifest", repository: 0, manifest: 5, tags: [0, 1] }),
  "pushing a manifest with a subject": step({ do: "manifest", repository: 0, manifest: 4, tags: [] }),
  "moving a tag": step({ do: "manifest", repository: 0, manifest: 1, tags: [0] }),
  "deleting a tag": step({ do: "deleteTag", repository: 0, tag: 0 }),
  "deleting a manifest": step({ do: "deleteManifest", repository: 0, manifest: 0 }),
  "deleting what refers to another": step({ do: "deleteManifest", repository: 1, manifest: 3 }),
  "deleting a blob": step({ do: "deleteBlob", repository: 0, blob: 0 }),
  collecting: (mishap) => ({ step: "collect", mishap }),
  opening: (mishap) => ({ step: "reopen", mishap }),
};

const CODES = ["ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS"];

/** All of them takes minutes; otherwise they take turns. */
function mishapsAt(at: number): Mishap[] {
  const faults = CODES.flatMap((code): Mishap[] => [
    { kind: "fault", at, code, lasting: false },
    { kind: "fault", at, code, lasting: true },
  ]);
  const losses = [0, 1, 2, 3, 4, 5].map((seed): Mishap => ({ kind: "power", at, seed: seed * at }));
  const kill: Mishap = { kind: "kill", at };
  const mishaps = [...faults, kill, ...losses];
  if (THOROUGH) return mishaps;
  return [kill, at % 2 === 0 ? losses[at % 6] : faults[((at - 1) / 2) % 10]].flatMap((each) => each ?? []);
}

/** At a quiet moment: what was acknowledged last must not lean on what an earlier process never synced. */
const powerLoss: Step = { step: "reopen", mishap: { kind: "power", at: 1_000, seed: 0 } };

/** Lets every storage call of a step go wrong, once in every way, and does the step again. */
async function sweep(title: string, options: SimulationOptions, figures: Figures): Promise<void> {
  const make = STEPS[title];
  assert.ok(make);
  for (let at = 1, fired = -1; fired !== figures.fired; at++) {
    fired = figures.fired;
    for (const mishap of mishapsAt(at)) {
      const again = make();
      try {
        await simulate([...BEFORE, make(mishap), again, powerLoss, again], { ...options, figures });
      } catch (error) {
        throw new Error(`${title}, ${JSON.stringify(mishap)}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
}

describe("the data store, when a storage call fails or is the last one", () => {
  const figures = noFigures();
  for (const title of Object.keys(STEPS)) {
    it(`shows the old or the new after ${title}, and can do it again`, async (context) => {
      const before = { ...figures };
      await sweep(title, {}, figures);
      context.diagnostic(`${figures.fired - before.fired} mishaps`);
    });
  }

  // What is in memory after a failure has to be what the next process will find.
  const followed: Record<string, readonly [keyof typeof STEPS, Operation]> = {
    "a tag that failed to move keeps its manifest": [
      "moving a tag",
      { do: "deleteManifest", repository: 0, manifest: 1 },
    ],
    "a manifest that failed to be deleted can be pushed": [
      "deleting a manifest",
      { do: "manifest", repository: 0, manifest: 0, tags: [2] },
    ],
    "a manifest whose blob failed to be deleted can be pulled": [
      "deleting a blob",
      { do: "manifest", repository: 0, manifest: 4, tags: [2] },
    ],
  };
  for (const [title, [first, next]] of Object.entries(followed)) {
    it(title, async () => {
      const make = STEPS[first];
      assert.ok(make);
      for (let at = 1, fired = -1; fired !== figures.fired; at++) {
        fired = figures.fired;
        const fault = make({ kind: "fault", at, code: "EIO", lasting: false });
        await simulate([...BEFORE, fault, operation(next), { step: "reopen" }, { step: "look" }], { figures });
      }
    });
  }

  it("would show something else if failures went unnoticed", async () => {
    await assert.rejects(sweep("moving a tag", { forgetful: { failures: true } }, noFigures()));
    await assert.rejects(sweep("pushing a blob", { forgetful: { failures: true } }, noFigures()));
  });

  it("would lose something if nothing were synced", async () => {
    await assert.rejects(sweep("moving a tag", { sync: false }, noFigures()));
  });
});
