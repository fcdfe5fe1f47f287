import { blobsOf, type Verified, verify } from "../registry/store/verify.ts";
import { count, formatBytes, printable } from "./format.ts";
import { readOnce } from "./open-named-folder.ts";
import type { CheckCommand } from "./usage.ts";

export interface Checked {
  /** What to write to stdout. */
  readonly text: string;
  readonly fine: boolean;
}

/** Reads every blob of a folder and compares it with its digest; shows how far it is where somebody looks on. */
export async function check({ folder, cache, format }: CheckCommand): Promise<Checked> {
  const catalogue = await readOnce({ folder, cache });
  const blobs = blobsOf(catalogue);
  const total = blobs.reduce((sum, { file }) => sum + file.size, 0);
  const damaged: Verified[] = [];
  let done = 0;
  for await (const verified of verify(blobs)) {
    done += verified.size;
    if (verified.problem !== undefined) damaged.push(verified);
    showProgress(done, total);
  }
  clearProgress();
  const { skipped } = catalogue;
  const fine = damaged.length === 0 && skipped.length === 0;
  if (format === "json") {
    return { fine, text: `${JSON.stringify({ blobs: blobs.length, bytes: total, damaged, skipped }, null, 2)}\n` };
  }
  const lines = [
    ...damaged.map(({ path, digest, problem }) => `${path}: ${digest}: ${problem}`),
    ...skipped.map(({ path, reason }) => `${path}: ${reason}`),
    `${count(blobs.length, "blob")}, ${formatBytes(total)}: ${fine ? "all is well" : count(damaged.length + skipped.length, "problem")}`,
  ];
  return { fine, text: `${lines.map(printable).join("\n")}\n` };
}

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
