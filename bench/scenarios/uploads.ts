import { writersOf } from "../bench.ts";
import { push } from "../clients/clients.ts";
import { type Figure, figure, NO_SYNC, type Target } from "../measure/figure.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import { onEmpty } from "../servers/on-empty.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const MEBIBYTE = 1024 ** 2;
const SIZE = 1024 * MEBIBYTE;

const TO = { to: "distribution", is: "at least" } as const;
const TARGETS: readonly Target[] = [
  { goal: "uploads of 1 GiB: GB/s, to distribution", ...TO, limit: 1.1 },
  // Distribution always syncs, so this says what the syncs cost and not who is better.
  { goal: "uploads of 1 GiB, `--no-sync`: GB/s, to distribution", ...TO, who: NO_SYNC, limit: 2 },
];

interface Upload {
  readonly gigabytesPerSecond: number;
  readonly cpuPerGigabyte: number;
}

/** One blob of 1 GiB from one client, in one request and in pieces of 64 MiB. */
export const uploads: Scenario = {
  name: "uploads",
  title: "Uploads of 1 GiB (distribution and ociregistry wait for the disk; olareg and ociregistry --no-sync do not)",
  quick: false,
  async measure(bench) {
    const figures: Figure[] = [];
    for (const how of ["put", "patch"] as const) {
      const results = await interleave(
        bench.effort.rounds,
        mapValues(writersOf(bench), (start) => () => onEmpty(bench.folder, start, (server) => upload(server, how))),
      );
      const what = how === "put" ? "one PUT" : "PATCHes of 64 MiB";
      figures.push(
        figure(what, "GB/s", results, ({ gigabytesPerSecond }) => gigabytesPerSecond, TARGETS),
        figure(what, "CPU s per GB", results, ({ cpuPerGigabyte }) => cpuPerGigabyte),
      );
    }
    return figures;
  },
};

async function upload(server: ServerProcess, how: "put" | "patch"): Promise<Upload> {
  // The code is compiled, and the folders are there.
  await push("blobs", server.origin, how, 64 * MEBIBYTE, 1);
  const before = server.cpuSeconds();
  const { seconds } = await push("blobs", server.origin, how, SIZE, 1);
  const gigabytes = SIZE / 1e9;
  return {
    gigabytesPerSecond: gigabytes / seconds,
    cpuPerGigabyte: (server.cpuSeconds() - before) / gigabytes,
  };
}
