import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "../bench.ts";
import { craneArchive, fakeImage, fakeLayer } from "../content/archives.ts";
import type { ScanPeak } from "../content/scan-peak.ts";
import { type Member, writeTar } from "../content/write-tar.ts";
import { type Figure, figure, OURS } from "../measure/figure.ts";
import { interleave } from "../measure/rounds.ts";
import { script } from "../script.ts";

const COUNT = 200_000;

const run = promisify(execFile);

/** Reading a tar with very many members, in which an image lies too. */
export async function measureMembers({ folder, effort }: Bench): Promise<Figure[]> {
  const images = join(folder, "members");
  mkdirSync(images);
  writeTar(join(images, "many.tar"), members());
  try {
    const scans = await interleave(effort.rounds, {
      [OURS]: async () =>
        JSON.parse((await run(process.execPath, [script("content/scan-peak.js"), images])).stdout) as ScanPeak,
    });
    const what = `scan of a tar with ${COUNT.toLocaleString("en")} members`;
    return [
      figure(what, "ms", scans, ({ milliseconds }) => milliseconds, [
        { goal: `${what} (ms)`, is: "at most", limit: 2000 },
      ]),
      figure(what, "MiB more", scans, ({ mebibytes }) => mebibytes, [
        { goal: `${what}: memory (MiB)`, is: "at most", limit: 64 },
      ]),
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
