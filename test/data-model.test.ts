import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Mishap, noFigures, type SimulationOptions, type Step, simulate } from "./support/simulation.ts";

const number = fc.nat({ max: 100 });
const tags = fc.array(number, { maxLength: 2 });

const mishap = fc.option(
  fc.oneof<fc.Arbitrary<Mishap>[]>(
    fc.record({ kind: fc.constant("kill"), at: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant("power"), at: fc.integer({ min: 1, max: 40 }), seed: fc.nat() }),
    fc.record({
      kind: fc.constant("fault"),
      at: fc.integer({ min: 1, max: 20 }),
      code: fc.constantFrom("ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS"),
      lasting: fc.boolean(),
    }),
  ),
  { freq: 3, nil: undefined },
);

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      repository: number,
      blob: number,
      way: fc.constantFrom("whole" as const, "pieces" as const, "resumed" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("mount" as const),
      repository: number,
      blob: number,
      from: fc.option(number, { nil: undefined }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("manifest" as const), repository: number, manifest: number, tags }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("deleteTag" as const), repository: number, tag: number }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("deleteManifest" as const), repository: number, manifest: number }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("deleteBlob" as const), repository: number, blob: number }) },
);

const step: fc.Arbitrary<Step> = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 12, arbitrary: fc.record({ step: fc.constant("operation"), operation, beside: fc.boolean(), mishap }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant("image"), repository: number, manifest: number, tags }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("start"), repository: number, blob: number }) },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant("append"), session: number, bytes: fc.nat({ max: 2_000 }), mishap }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("commit"), session: number, mishap }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("cancel"), session: number }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("head"), repository: number, blob: number }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("collect"), mishap }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("reopen"), mishap }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("wait"), seconds: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("look") }) },
);

const steps = fc.array(step, { minLength: 5, maxLength: 40, size: "max" });

const property = (options: SimulationOptions = {}) => fc.asyncProperty(steps, (given) => simulate(given, options));

/** More with OCIREGISTRY_SEQUENCES=5000, others with OCIREGISTRY_SEED; a failure says its seed. */
const numRuns = Number(process.env["OCIREGISTRY_SEQUENCES"] ?? 60);
const seed = Number(process.env["OCIREGISTRY_SEED"] ?? Date.now() % 2 ** 31);

describe("the data store, in any order of pushes, deletes, collections and bad days", () => {
  it("keeps what it acknowledged, and never shows a half of anything", async (context) => {
    const figures = noFigures();
    context.diagnostic(`seed ${seed}`);
    await fc.assert(property({ figures }), { numRuns, seed, includeErrorInReport: true });
    context.diagnostic(JSON.stringify(figures));
  });

  // What shows that the test can see: each protection taken away is found out.
  const controls: Record<string, SimulationOptions> = {
    "when nothing is synced": { sync: false },
    "when only files are synced": { forgetful: { folders: true } },
    "when only folders are synced": { forgetful: { files: true } },
  };
  for (const [title, options] of Object.entries(controls)) {
    it(`would lose something ${title}`, async () => {
      const { failed } = await fc.check(property(options), { numRuns: 200, seed: 1, endOnFailure: true });
      assert.ok(failed);
    });
  }
});
