import { resolve } from "node:path";
import { type CheckedData, checkData } from "../registry/store/data/check.ts";
import type { Finding } from "../registry/store/findings.ts";
import { blobsOf, type Verified, verify } from "../registry/store/verify.ts";
import { count, formatBytes, printable } from "./format.ts";
import { findingsOf, readOnce } from "./open-named-folder.ts";
import type { CheckCommand } from "./usage.ts";

export interface Checked {
  /** What to write to stdout. */
  readonly text: string;
  readonly fine: boolean;
}

/**
 * Reads every blob of the folder of archives and compares it with its digest, and every blob and record of the data
 * folder; shows how far it is where somebody looks on.
 */
export async function check({ folder, data, cache, format }: CheckCommand): Promise<Checked> {
  const catalogue = await readOnce({ folder, cache });
  const blobs = blobsOf(catalogue);
  const total = blobs.reduce((sum, { file }) => sum + file.size, 0);
  const found: Verified[] = [];
  let done = 0;
  for await (const verified of verify(blobs)) {
    done += verified.size;
    if (verified.problem !== undefined) found.push(verified);
    showProgress(done, total);
  }
  const pushed = await checkPushed(data, total);
  clearProgress();
  findingsOf({ folder, cache }).replace(found.flatMap(findingOf));
  const damaged = found.map(({ path, digest, size, problem }) => ({ path, digest, size, problem }));
  const { skipped } = catalogue;
  const problems = damaged.length + skipped.length + pushed.damaged.length;
  const fine = problems === 0;
  if (format === "json") {
    const result = { blobs: blobs.length, bytes: total, damaged, skipped, data: pushed };
    return { fine, text: `${JSON.stringify(result, null, 2)}\n` };
  }
  const checked = count(blobs.length, "blob");
  const records = pushed.checked === 0 ? "" : `, and ${count(pushed.checked, "thing")} of ${data}`;
  const lines = [
    ...damaged.map(({ path, digest, problem }) => `${path}: ${digest}: ${problem}`),
    ...skipped.map(({ path, reason }) => `${path}: ${reason}`),
    ...pushed.damaged.map(({ what, problem }) => `${what}: ${problem}`),
    `${checked}${records}, ${formatBytes(total + pushed.bytes)}: ${fine ? "all is well" : count(problems, "problem")}`,
  ];
  return { fine, text: `${lines.map(printable).join("\n")}\n` };
}

/** The data folder, which may not be there. How much is in it is not known beforehand. */
async function checkPushed(data: string, before: number) {
  const damaged: CheckedData[] = [];
  let checked = 0;
  let bytes = 0;
  for await (const each of checkData(resolve(data))) {
    checked++;
    bytes += each.size;
    if (each.problem !== undefined) damaged.push(each);
    showProgress(before + bytes, before + bytes);
  }
  return { checked, bytes, damaged };
}

/** What is worth remembering: that of a file that stayed as it was while it was read. */
const findingOf = ({ path, offset, digest, problem, state }: Verified): Finding[] =>
  problem === undefined || state === undefined ? [] : [{ path, offset, digest, reason: problem, state }];

const WIDTH = 30;

function showProgress(done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  const filled = total === 0 ? WIDTH : Math.floor((done / total) * WIDTH);
  process.stderr.write(
    `\r[${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${formatBytes(done)} of ${formatBytes(total)} `,
  );
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
