import { setTimeout as wait } from "node:timers/promises";
import { writersOf } from "../bench.ts";
import { latencyDuring, push } from "../clients/clients.ts";
import { figure, OURS } from "../measure/figure.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import { onEmpty } from "../servers/on-empty.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const SIZE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

/** Of memory: eight times as much as in other rounds, and hardly different from round to round. */
const FEW = 1;

/** What others notice of a large upload, and what eight of them take of the memory. */
export const fairness: Scenario = {
  name: "fairness",
  title: "What others notice of an upload of 1 GiB",
  quick: false,
  async measure(bench) {
    const { rounds, seconds } = bench.effort;
    const all = writersOf(bench);
    const writers = Object.fromEntries(
      Object.entries(all).filter(([name]) => name === OURS || name === "distribution"),
    );
    const measureAll = <T>(count: number, measure: (server: ServerProcess) => Promise<T>) =>
      interleave(
        count,
        mapValues(writers, (start) => () => onEmpty(bench.folder, start, measure)),
      );
    const latency = await measureAll(rounds, (server) => slowdownOf(server, seconds));
    const memory = await measureAll(FEW, peakOf);
    return [
      figure("manifest, idle", "ms (p99)", latency, ({ idle }) => idle),
      figure("manifest, during a PUT of 1 GiB", "ms (p99)", latency, ({ busy }) => busy),
      figure("the same, to idle", "times", latency, ({ idle, busy }) => busy / idle, [
        { goal: "manifests during a PUT of 1 GiB: p99, times that of an idle server", is: "at most", limit: 5 },
      ]),
      figure("peak memory, eight PUTs of 1 GiB", "MiB RSS", memory, (peak) => peak, [
        { goal: "eight PUTs of 1 GiB: peak memory (MiB RSS)", is: "at most", limit: 250 },
      ]),
    ];
  },
};

async function slowdownOf(server: ServerProcess, seconds: number): Promise<{ idle: number; busy: number }> {
  await push("images", server.origin, 1, 1);
  await push("blobs", server.origin, "put", 64 * MEBIBYTE, 1);
  const url = `${server.origin}/v2/bench/image-0/manifests/latest`;
  const idle = await latencyDuring(url, () => wait(seconds * 1000));
  const busy = await latencyDuring(url, () => push("blobs", server.origin, "put", SIZE, 1));
  return { idle: idle.p99, busy: busy.p99 };
}

async function peakOf(server: ServerProcess): Promise<number> {
  await push("blobs", server.origin, "put", SIZE, 8);
  return server.peakMemory();
}
