import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { type Figure, figure, OURS, type Target } from "../bench/measure/figure.ts";
import { latencyFigures, latencyOf } from "../bench/measure/latency.ts";
import { interleave } from "../bench/measure/rounds.ts";
import { percentileOf, ratioOf, spreadOf } from "../bench/measure/statistics.ts";
import { documentOf } from "../bench/report/document.ts";
import { hottestOf } from "../bench/report/hottest.ts";
import { pictureOf } from "../bench/report/picture.ts";
import type { Run } from "../bench/report/run.ts";
import { sourcePlaceOf } from "../bench/report/source-place.ts";
import { tableOf } from "../bench/report/tables.ts";
import { targetsTable, verdictOf } from "../bench/report/verdicts.ts";
import { projectFile } from "../bench/script.ts";
import { memoryOf } from "../bench/servers/process-tree.ts";

const SPEED: Target = { goal: "speed, to other", to: "other", is: "at least", limit: 2 };
const COST: Target = { goal: "cost (ms)", is: "at most", limit: 5 };

const speedOf = (what: string, own: readonly number[], other?: readonly number[]): Figure => ({
  what,
  unit: "requests/s",
  values: { [OURS]: own, ...(other && { other }) },
  targets: [SPEED],
});

function runOf(figures: readonly Figure[], node = "20.0.0"): Run {
  return {
    ociregistry: `0.1.0, commit of ${node}`,
    date: "2026-01-31",
    machine: "2 cores (A & B <fast>), Linux",
    node,
    rounds: 3,
    seconds: 1,
    versions: { other: "1.2.3" },
    missing: { absent: "not found" },
    scenarios: [{ name: "manifests", title: "Manifests", figures, took: 1 }],
    took: 110,
  };
}

describe("the report of the benchmark", () => {
  it("takes the middle of the rounds, and says how far they lie apart", () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
    assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  });

  it("compares round by round, so that what slows both down in one round changes nothing", () => {
    assert.deepEqual(ratioOf([100, 10, 50], [50, 5, 25]), { median: 2, min: 2, max: 2 });
  });

  it("finds the slowest of a hundred", () => {
    const times = Array.from({ length: 1000 }, (_, index) => 1000 - index);
    assert.equal(percentileOf(times, 50), 501);
    assert.equal(percentileOf(times, 99), 991);
    assert.equal(percentileOf(times, 100), 1000);
  });

  it("says of the slowest of a hundred or a thousand only when there were so many in every round", () => {
    const took = (count: number) => latencyOf(Array.from({ length: count }, (_, index) => index));
    const rows = latencyFigures("x", {
      many: [took(1000), took(2000)],
      some: [took(2000), took(999)],
      few: [took(99)],
    });
    assert.deepEqual(
      rows.map(({ unit, values }) => [unit, values]),
      [
        ["ms (p50)", { many: [500, 1000], some: [1000, 499], few: [49] }],
        ["ms (p99)", { many: [990, 1980], some: [1980, 989] }],
        ["ms (p99.9)", { many: [999, 1998] }],
      ],
    );
    assert.deepEqual(latencyFigures("x", { fewest: [took(9)] }), []);
  });

  it("measures one after the other in each round, and leaves out who has nothing to measure or fails", async () => {
    const order: string[] = [];
    const results = await interleave(2, {
      a: async () => order.push("a"),
      none: async () => undefined,
      fails: async () => {
        if (order.length > 2) throw new Error("as the test wants");
        return 1;
      },
      b: async () => order.push("b"),
    });
    assert.deepEqual(order, ["a", "b", "a", "b"]);
    assert.deepEqual(results, { a: [1, 3], b: [2, 4] });
    assert.deepEqual(figure("f", "u", results, (value) => value * 2).values, { a: [2, 6], b: [4, 8] });
  });

  it("says whether a target is reached: a ratio, or a value", () => {
    const verdict = (own: number[], other: number[] | undefined, target: Target) =>
      verdictOf(speedOf("x", own, other), target);
    assert.deepEqual(verdict([6], [3], SPEED), { what: "x", value: 2, isReached: true });
    assert.deepEqual(verdict([5.9], [3], SPEED).isReached, false);
    assert.deepEqual(verdict([5], undefined, COST), { what: "x", value: 5, isReached: true });
    assert.deepEqual(verdict([5.1], undefined, COST).isReached, false);
    assert.deepEqual(verdict([6], undefined, SPEED).value, undefined);
  });

  it("shows for each target the worst figure, and what was missed or not measured like what was reached", () => {
    const good = speedOf("good", [6], [2]);
    const bad = speedOf("bad", [3], [2]);
    const rows = targetsTable([runOf([good, bad]), runOf([good], "24.0.0"), runOf([speedOf("alone", [1])])]).split(
      "\n",
    );
    const row = rows.find((line) => line.includes(SPEED.goal));
    assert.equal(
      row,
      "| speed, to other | at least 2 | **missed** in 1 of 2, worst: 1.5 (bad) | reached: 3 | not measured |",
    );
    assert.match(rows[0] ?? "", /Node 20\.0\.0 \| Node 24\.0\.0/);
  });

  it("has a column for everyone, and a dash for who was not measured", () => {
    const table = tableOf([speedOf("one", [1234.5, 1000, 2000], [3]), speedOf("two", [0.12345])]);
    const [head, , one, two] = table.split("\n");
    assert.equal(head, "|  | unit | ociregistry | other |");
    assert.equal(one, "| one | requests/s | 1,230 (1,000 to 2,000) | 3 |");
    assert.equal(two, "| two | requests/s | 0.123 | - |");
  });

  it("is a page with the figures of every run, and says who is missing", () => {
    const page = documentOf([runOf([speedOf("one", [1], [2])]), runOf([speedOf("one", [7], [2])], "24.0.0")]);
    const commits = ["commit of 20.0.0", "commit of 24.0.0"];
    for (const text of ["## Manifests", ...commits, "; took 1 min 50 s", "absent was not measured: not found"])
      assert.ok(page.includes(text), text);
    assert.match(page, /\| one \| requests\/s \| 1 \| 2 \|[\s\S]*\| one \| requests\/s \| 7 \| 2 \|/);
  });

  it("draws bars as long as the figures, in well-formed XML", () => {
    const svg = pictureOf(runOf([speedOf("GET by tag, 32 connections", [50], [100])]));
    assertWellFormed(svg);
    const [own, other] = [...svg.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)"/g)].map(([, kind, width]) => ({
      kind,
      width: Number(width),
    }));
    assert.equal(own?.kind, "ours");
    assert.equal(other?.kind, "other");
    assert.equal((other?.width ?? 0) / (own?.width ?? 0), 2);
    assert.match(svg, /A &amp; B &lt;fast&gt;/);
    assert.match(svg, /prefers-color-scheme: dark/);
    assertWellFormed(pictureOf(runOf([])));
    assert.throws(() => assertWellFormed("<svg><g></svg></g>"));
    assert.throws(() => assertWellFormed("<svg>a & b</svg>"));
  });

  it("counts the pages of a server's program in full, whoever else runs it", {
    skip: process.platform !== "linux",
  }, async () => {
    // It runs Node, as this process does.
    const child = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log()"]);
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    const [, divided = ""] = /^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    const { pss, rss } = memoryOf(pid);
    child.kill();
    assert.ok(pss > Number(divided) / 1024 + 5 && pss <= rss, `${divided} kB, ${pss} and ${rss} MiB`);
    await once(child, "exit");
    assert.deepEqual(memoryOf(pid), { pss: 0, rss: 0 });
  });

  it("names the functions of a profile by the time that they took themselves, without the waiting", () => {
    const frame = (functionName: string) => ({ functionName, url: "file:///send.js", lineNumber: 4, columnNumber: 0 });
    const nowhere = { url: "", lineNumber: -1, columnNumber: -1 };
    const nodes = [
      { id: 1, callFrame: frame("send") },
      { id: 2, callFrame: { functionName: "(idle)", ...nowhere } },
      { id: 3, callFrame: frame("send") },
      { id: 4, callFrame: { functionName: "(program)", ...nowhere } },
    ];
    const profile = { nodes, samples: [1, 2, 4, 3], timeDeltas: [1e6, 5e6, 1e6, 2e6] };
    assert.deepEqual(
      hottestOf(profile, ({ url, lineNumber }) => `${url}, ${lineNumber}`),
      {
        seconds: 9,
        busy: 4,
        functions: [
          { name: "send", where: "file:///send.js, 4", share: 0.75 },
          { name: "(program)", where: "", share: 0.25 },
        ],
      },
    );
  });

  it("names the file of a function as it lies in the project, and the line of the source", () => {
    const place = (url: string, lineNumber: number) => sourcePlaceOf({ url, lineNumber, columnNumber: 0 });
    const compiled = readFileSync(new URL(import.meta.url), "utf8").split("\n");
    const source = readFileSync(projectFile("test/bench-report.test.ts"), "utf8").split("\n");
    const lineIn = (lines: readonly string[]) =>
      lines.findIndex((line) => line.startsWith("function assertWellFormed"));
    const line = lineIn(source) + 1;
    assert.equal(place(import.meta.url, lineIn(compiled)), `test/bench-report.test.ts:${line}`);
    assert.equal(place(pathToFileURL(projectFile("node_modules/a/b.js")).href, 6), "node_modules/a/b.js:7");
    assert.equal(place("node:internal/streams/writable", 9), "node:internal/streams/writable:10");
  });
});

/** As far as a reader of XML that knows no entities of HTML goes: tags are closed in order, and nothing is left bare. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(/<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/gi, (_, closes, name, _attributes, empty) => {
    if (closes) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
    return "";
  });
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /<|>|&(?!amp;|lt;|gt;|quot;)/);
}
