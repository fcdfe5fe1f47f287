import { pull } from "../clients/clients.ts";
import { type Figure, figure, NO_NATIVE, type Target } from "../measure/figure.ts";
import { type Effort, interleave, mapValues } from "../measure/rounds.ts";
import type { Memory } from "../servers/process-tree.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

interface Pulled {
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
  goal: "image pulls, 10 clients: memory (MiB RSS, which is never less than PSS)",
  is: "at most",
  limit: 150,
};

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
      const results = await interleave(effort.rounds, contestants(effort.seconds));
      const what = `${clients} clients`;
      const has = (target: Target): Target[] => (clients === 10 ? [target] : []);
      figures.push(
        figure(what, "images/s", results, ({ imagesPerSecond }) => imagesPerSecond, has(SPEED)),
        figure(what, "CPU ms per image", results, ({ cpuPerImage }) => cpuPerImage),
        figure(what, "MiB PSS, busy", results, ({ memory }) => memory.share),
        figure(what, "MiB RSS, busy", results, ({ memory }) => memory.alone, has(MEMORY)),
      );
    }
    return figures;
  },
};

async function pullFrom(server: ServerProcess, clients: number, wanted: Effort["seconds"]): Promise<Pulled> {
  const before = server.cpuSeconds();
  const pulling = pull(server.origin, clients, wanted);
  let memory: Memory = { share: Number.NaN, alone: Number.NaN };
  const timer = setTimeout(() => {
    memory = server.memory();
  }, wanted * 800);
  const { images: count, seconds } = await pulling;
  clearTimeout(timer);
  return {
    imagesPerSecond: count / seconds,
    cpuPerImage: ((server.cpuSeconds() - before) * 1000) / count,
    memory,
  };
}
