import { pull } from "../clients/clients.ts";
import { type Figure, figure, NO_NATIVE, type Target } from "../measure/figure.ts";
import { type Latency, latencyFigures } from "../measure/latency.ts";
import { type Effort, interleave, mapValues } from "../measure/rounds.ts";
import type { Memory } from "../servers/process-tree.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

/** How long each image took, and what all of them did. */
interface Pulled extends Latency {
  readonly imagesPerSecond: number;
  /** Of the server, in ms. */
  readonly cpuPerImage: number;
  /** In the middle of it, in MiB. */
  readonly memory: Memory;
}

const SPEED: Target = {
  goal: "image pulls, 10 clients: images/s, to distribution",
  to: "distribution",
  is: "at least",
  limit: 3,
};
const MEMORY: Target = {
  goal: "image pulls, 10 clients: memory (MiB PSS)",
  is: "at most",
  limit: 150,
};

/** Of a round, in seconds: the slowest of a thousand images are wanted, and a second is enough for a few hundred. */
const LONGER = 3;

/** Images as container runtimes pull them, with every body hashed by the client. */
export const images: Scenario = {
  name: "images",
  title: "Whole images of five layers (4 KiB to 1 MiB), each body hashed by the client",
  quick: true,
  async measure(bench) {
    const { effort } = bench;
    const { [NO_NATIVE]: _, ...servers } = (await bench.fleet()).servers;
    const figures: Figure[] = [];
    for (const clients of effort.quick ? [10] : [10, 100]) {
      const contestants = (seconds: number) => mapValues(servers, (server) => () => pullFrom(server, clients, seconds));
      await interleave(1, contestants(effort.seconds / 2));
      const results = await interleave(effort.rounds, contestants(effort.quick ? effort.seconds : LONGER));
      const what = `${clients} clients`;
      const has = (target: Target): Target[] => (clients === 10 ? [target] : []);
      figures.push(
        figure(what, "images/s", results, ({ imagesPerSecond }) => imagesPerSecond, has(SPEED)),
        figure(what, "CPU ms per image", results, ({ cpuPerImage }) => cpuPerImage),
        ...latencyFigures(what, results),
        figure(what, "MiB PSS, busy", results, ({ memory }) => memory.pss, has(MEMORY)),
        figure(what, "MiB RSS, busy", results, ({ memory }) => memory.rss),
      );
    }
    return figures;
  },
};

async function pullFrom(server: ServerProcess, clients: number, wanted: Effort["seconds"]): Promise<Pulled> {
  const before = server.cpuSeconds();
  const pulling = pull(server.origin, clients, wanted);
  let memory: Memory = { pss: Number.NaN, rss: Number.NaN };
  const timer = setTimeout(() => {
    memory = server.memory();
  }, wanted * 800);
  const { seconds, ...latency } = await pulling;
  clearTimeout(timer);
  return {
    ...latency,
    imagesPerSecond: latency.count / seconds,
    cpuPerImage: ((server.cpuSeconds() - before) * 1000) / latency.count,
    memory,
  };
}
