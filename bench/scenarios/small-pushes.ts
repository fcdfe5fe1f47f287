import { writersOf } from "../bench.ts";
import { push } from "../clients/clients.ts";
import { figure, NO_SYNC, type Target } from "../measure/figure.ts";
import { latencyFigures } from "../measure/latency.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import { onEmpty } from "../servers/on-empty.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 8;

const TARGETS: readonly Target[] = [
  { goal: "pushes of small images: images/s, to distribution", to: "distribution", is: "at least", limit: 1.5 },
  // Olareg does not wait for the disk.
  {
    goal: "pushes of small images, `--no-sync`: images/s, to olareg",
    who: NO_SYNC,
    to: "olareg",
    is: "at least",
    limit: 1,
  },
];

/** Many small images, each in a repository of its own: what counts is what the disk is made to wait for. */
export const smallPushes: Scenario = {
  name: "small-pushes",
  title: "Pushes of small images by 8 clients (each has three layers of 4 KiB)",
  quick: true,
  async measure(bench) {
    const { folder, effort } = bench;
    const count = effort.quick ? 25 : 1000;
    const pushTo = async (server: ServerProcess) => {
      const before = server.cpuSeconds();
      const { seconds, ...latency } = await push("images", server.origin, count, CLIENTS);
      return { ...latency, speed: count / seconds, cpu: ((server.cpuSeconds() - before) * 1000) / count };
    };
    const results = await interleave(
      effort.rounds,
      mapValues(writersOf(bench), (start) => () => onEmpty(folder, start, pushTo, { keep: true })),
    );
    const what = `${count.toLocaleString("en")} images`;
    return [
      figure(what, "images/s", results, ({ speed }) => speed, TARGETS),
      figure(what, "CPU ms per image", results, ({ cpu }) => cpu),
      ...latencyFigures(what, results),
    ];
  },
};
