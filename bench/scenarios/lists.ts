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
/** A list takes milliseconds, and the first ones are of code that is not compiled yet. */
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

async function measureLists({ ours, peers }: Bench, folder: string): Promise<Figure[]> {
  const [mine, theirs] = [join(folder, "ours"), join(folder, "distribution")];
  await fillDataFolder(mine, COUNT, COUNT);
  fillDistribution(theirs, COUNT, COUNT);
  const distribution = peers.found.find(({ name }) => name === "distribution");
  const servers: Record<string, ServerProcess> = { [OURS]: await ours.serveData(mine) };
  if (distribution) servers[distribution.name] = await distribution.start(theirs);
  const figures: Figure[] = [];
  const agent = new Agent({ keepAlive: true });
  try {
    for (const [what, path] of [
      ["tags/list of 10,000 tags", `/v2/${TAGGED}/tags/list?n=${COUNT}`],
      ["_catalog of 10,000 repositories", `/v2/_catalog?n=${COUNT}`],
    ] as const) {
      const times = await interleave(
        LIST_ROUNDS,
        mapValues(
          servers,
          ({ origin }) =>
            () =>
              timeOf(origin + path, agent),
        ),
      );
      // The first of a process is shown by itself: a registry may remember.
      figures.push(
        figure(what, "ms", times, (time) => time, [LISTS]),
        figure(
          `${what}, the first time`,
          "ms",
          mapValues(times, ([first = Number.NaN]) => [first]),
          (time) => time,
          [FIRST],
        ),
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
