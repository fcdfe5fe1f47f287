import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { get } from "../clients/get.ts";
import { fillDataFolder, fillDistribution, TAGGED } from "../content/pushed-folders.ts";
import { type Figure, figure, OURS, type Target } from "../measure/figure.ts";
import { interleave, mapValues } from "../measure/rounds.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const COUNT = 10_000;
const MANY = 100_000;
/** A list takes milliseconds, and the first answers of a server are of code that is not compiled yet. */
const LIST_ROUNDS = 50;

const TO = { to: "distribution", is: "at most", limit: 0.2 } as const;
const LISTS: Target = { goal: "lists of 10,000: time, to distribution", ...TO };
const FIRST: Target = { goal: "lists of 10,000, the first time after a start: time, to distribution", ...TO };
const START: Target = { goal: "start with 100,000 repositories: first answer (ms)", is: "at most", limit: 2000 };

/** Long lists, and starting on very many repositories. */
export const lists: Scenario = {
  name: "lists",
  title: "Long lists, and very many repositories",
  quick: false,
  async measure(bench) {
    const folder = mkdtempSync(join(bench.folder, "lists-"));
    try {
      return [...(await measureLists(bench, folder)), ...(await measureStart(bench, folder))];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const ASKED = [
  { what: "tags/list of 10,000 tags", path: `/v2/${TAGGED}/tags/list?n=${COUNT}` },
  { what: "_catalog of 10,000 repositories", path: `/v2/_catalog?n=${COUNT}` },
];

async function measureLists({ ours, peers, effort }: Bench, folder: string): Promise<Figure[]> {
  const [mine, theirs] = [join(folder, "ours"), join(folder, "distribution")];
  await fillDataFolder(mine, COUNT, COUNT);
  fillDistribution(theirs, COUNT, COUNT);
  const distribution = peers.found.find(({ name }) => name === "distribution");
  const starts: Record<string, () => Promise<ServerProcess>> = { [OURS]: () => ours.serveData(mine) };
  if (distribution) starts[distribution.name] = () => distribution.start(theirs);
  const agent = new Agent({ keepAlive: true });
  const servers: Record<string, ServerProcess> = {};
  const restart = async (name: string, start: () => Promise<ServerProcess>): Promise<void> => {
    await servers[name]?.stop();
    const server = await start();
    // What the first request of all takes is no list's.
    await get(`${server.origin}/v2/`);
    servers[name] = server;
  };
  const figures: Figure[] = [];
  try {
    for (const { what, path } of ASKED) {
      const timed = (name: string): Promise<number> => timeOf(`${servers[name]?.origin}${path}`, agent);
      // A registry may remember what it has listed.
      const first = await interleave(
        effort.rounds,
        mapValues(starts, (start, name) => () => restart(name, start).then(() => timed(name))),
      );
      const again = await interleave(
        LIST_ROUNDS,
        mapValues(starts, (_, name) => () => timed(name)),
      );
      figures.push(
        figure(`${what}, the first time after a start`, "ms", first, (time) => time, [FIRST]),
        figure(what, "ms", again, (time) => time, [LISTS]),
      );
    }
  } finally {
    agent.destroy();
    for (const server of Object.values(servers)) await server.stop();
  }
  return figures;
}

/** Of an answer that nobody looks at, on a connection that is there: the client would take longer than a fast server. */
async function timeOf(url: string, agent: Agent): Promise<number> {
  const started = performance.now();
  const asking = request(url, { agent }).end();
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  response.resume();
  await once(response, "end");
  return performance.now() - started;
}

async function measureStart({ ours, effort }: Bench, parent: string): Promise<Figure[]> {
  const folder = join(parent, "many");
  mkdirSync(folder);
  await fillDataFolder(folder, MANY, 0);
  const results = await interleave(effort.rounds, {
    [OURS]: async () => {
      const started = performance.now();
      const server = await ours.serveData(folder);
      await get(`${server.origin}/v2/`);
      const time = performance.now() - started;
      const memory = server.memory().pss;
      await server.stop();
      return { time, memory };
    },
  });
  const what = "start with 100,000 repositories";
  return [
    figure(`${what}, to the first /v2/`, "ms", results, ({ time }) => time, [START]),
    figure(`${what}, memory`, "MiB PSS", results, ({ memory }) => memory),
  ];
}
