import assert from "node:assert/strict";
import { ask } from "./server.ts";

/** What /metrics of a server says, by series as it is written there. Fails when the text breaks a rule of the format. */
export async function readMetrics(origin: string): Promise<ReadonlyMap<string, number>> {
  const { status, headers, body } = await ask(origin, "GET", "/metrics");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(body.toString());
}

/** The series that counts requests of a kind. */
export const requests = (operation: string, method: string, code: number | "none"): string =>
  `ociregistry_http_requests_total{operation="${operation}",method="${method}",code="${code}"}`;

const NAME = "[a-z_][a-z0-9_]*";
const LABEL = `${NAME}="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"`;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const NUMBER = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;

/**
 * Reads the text format 0.0.4 as strictly as its rules can be told, and those for names, too: each family once and
 * together, HELP and TYPE before its samples, no sample twice, counters that end with _total, whole histograms.
 */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  assert.ok(text.endsWith("\n"));
  const values = new Map<string, number>();
  const families = new Set<string>();
  let help = "";
  let family = "";
  let type = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, comment, subject = "", rest = ""] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? [];
    if (comment === "HELP") {
      assert.ok(!families.has(subject), `${subject} comes twice`);
      families.add(subject);
      help = subject;
    } else if (comment === "TYPE") {
      assert.equal(subject, help, "TYPE follows HELP");
      assert.match(rest, /^(?:counter|gauge|histogram)$/);
      family = subject;
      type = rest;
      assert.equal(family.endsWith("_total"), type === "counter", family);
    } else {
      const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
      assert.match(value, NUMBER, line);
      const ending = type === "histogram" ? "(?:_bucket|_sum|_count)" : "";
      assert.match(name, new RegExp(`^${family}${ending}$`), line);
      const names = labels.split(",").map((label) => label.split("=", 1)[0]);
      assert.equal(new Set(names).size, names.length, line);
      const series = line.slice(0, line.lastIndexOf(" "));
      assert.ok(!values.has(series), `${series} comes twice`);
      values.set(series, Number(value.replace("Inf", "Infinity")));
      if (type === "counter") assert.ok((values.get(series) ?? -1) >= 0, line);
    }
  }
  assertHistograms(values);
  return values;
}

function assertHistograms(values: ReadonlyMap<string, number>): void {
  const histograms = new Map<string, [bound: number, count: number][]>();
  for (const [series, count] of values) {
    const [, bound] = /le="([^"]+)"/.exec(series) ?? [];
    if (bound === undefined) continue;
    const whole = series.replace(/,?le="[^"]+"/, "").replace("{}", "");
    const buckets = histograms.get(whole) ?? [];
    buckets.push([Number(bound.replace("Inf", "Infinity")), count]);
    histograms.set(whole, buckets);
  }
  for (const [whole, buckets] of histograms) {
    for (const [index, [bound, count]] of buckets.entries()) {
      const [before, less] = buckets[index - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      assert.ok(bound > before && count >= less, whole);
    }
    assert.deepEqual(buckets.at(-1), [Number.POSITIVE_INFINITY, values.get(whole.replace("_bucket", "_count"))], whole);
    assert.ok(values.has(whole.replace("_bucket", "_sum")), whole);
  }
}
