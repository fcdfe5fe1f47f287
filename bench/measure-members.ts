import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { craneArchive, fakeImage, fakeLayer } from "./archives.ts";
import type { Figure, Target } from "./report.ts";
import { interleave, spreadOf } from "./rounds.ts";
import type { ScanPeak } from "./scan-peak.ts";
import { script } from "./script.ts";
import { type Member, writeTar } from "./write-tar.ts";

const COUNT = 200_000;
const TIME: Target = { of: "value", is: "at most", limit: 2000 };
const MEMORY: Target = { of: "value", is: "at most", limit: 64 };

const run = promisify(execFile);

/** Reading a tar with very many members, in which an image lies too. */
export async function measureMembers(folder: string, rounds: number): Promise<Figure[]> {
  const images = join(folder, "members");
  mkdirSync(images);
  writeTar(join(images, "many.tar"), members());
  try {
    const { scans } = await interleave(rounds, {
      scans: async () => JSON.parse((await run(process.execPath, [script("scan-peak.js"), images])).stdout) as ScanPeak,
    });
    const what = `scan of a tar with ${COUNT.toLocaleString("en")} members`;
    return [
      { what, unit: "ms", registry: spreadOf(scans.map(({ milliseconds }) => milliseconds)), target: TIME },
      { what, unit: "MiB more", registry: spreadOf(scans.map(({ mebibytes }) => mebibytes)), target: MEMORY },
    ];
  } finally {
    rmSync(images, { recursive: true, force: true });
  }
}

function* members(): Generator<Member> {
  const bytes = Buffer.from("nothing");
  for (let index = 0; index < COUNT; index++) yield { name: `other/files/${index % 100}/file-${index}.txt`, bytes };
  yield* craneArchive(fakeImage("bench/members:1", [fakeLayer(1000)]));
}
