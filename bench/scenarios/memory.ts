import { setTimeout as wait } from "node:timers/promises";
import { layerOfSize, layerUrl, SIZES } from "../content/content.ts";
import { figure, type Target } from "../measure/figure.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import type { Scenario } from "./scenario.ts";

const IDLE: Target = {
  goal: "idle, before the first request (MiB PSS)",
  is: "at most",
  limit: 80,
};

/** When a server has had a moment to give memory back. */
const REST_MILLISECONDS = 3000;

/** What servers hold before, in and after everything else that was measured. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory, after all of the above that was asked of the same servers",
  quick: true,
  async measure(bench) {
    const { servers, idle, content } = await bench.fleet();
    const layer = layerOfSize(content, SIZES["64 MiB"] ?? 0);
    const results = await interleave(
      1,
      mapValues(servers, (server) => async () => {
        const url = layerUrl(server.origin, layer);
        const loading = bench.load({ url, connections: 32, seconds: 1 });
        await wait(800);
        const busy = server.memory();
        await loading;
        return busy;
      }),
    );
    await wait(REST_MILLISECONDS);
    const after = mapValues(servers, (server) => [server.memory()]);
    const before = mapValues(idle, (each) => [each]);
    return [
      figure("idle, with images and before the first request", "MiB PSS", before, ({ pss }) => pss, [IDLE]),
      figure("32 downloads of 64 MiB", "MiB PSS", results, ({ pss }) => pss),
      figure("after the load", "MiB PSS", after, ({ pss }) => pss),
      figure("idle, with images and before the first request", "MiB RSS", before, ({ rss }) => rss),
      figure("32 downloads of 64 MiB", "MiB RSS", results, ({ rss }) => rss),
      figure("after the load", "MiB RSS", after, ({ rss }) => rss),
    ];
  },
};
