import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { craneArchive, fakeImage, fakeLayer } from "../content/archives.ts";
import { MANIFEST } from "../content/manifest.ts";
import { writeTar } from "../content/write-tar.ts";
import { OURS } from "../measure/figure.ts";
import { type Contestant, ofConnections, requestFigures, underLoad } from "../measure/under-load.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

const CONNECTIONS = 32;
/** What is looked for is less than what lies between two rounds, so there are many. */
const TIMES_THE_ROUNDS = 7;

const LOG = "ociregistry --access-log";

/** What the access log costs. Its lines go to a pipe, as in a container, and are thrown away by who reads them. */
export const log: Scenario = {
  name: "log",
  title: "Manifests with and without an access log",
  quick: false,
  async measure({ folder, ours, load, effort }) {
    const images = join(folder, "log");
    mkdirSync(images);
    writeTar(join(images, "log.tar"), craneArchive(fakeImage("bench/log:1", [fakeLayer(1000)])));
    const servers: ServerProcess[] = [];
    const serve = async (...flags: readonly string[]): Promise<Contestant> => {
      const server = await ours.serveArchives(images, join(folder, `log-cache${flags.join("")}`), ...flags);
      servers.push(server);
      return { server, load: { url: `${server.origin}/v2/bench/log/manifests/1`, headers: { Accept: MANIFEST } } };
    };
    try {
      const contestants = { [OURS]: await serve(), [LOG]: await serve("--access-log") };
      const rounds = effort.rounds * TIMES_THE_ROUNDS;
      const results = await underLoad(load, contestants, CONNECTIONS, { ...effort, rounds });
      return requestFigures(`GET by tag, ${ofConnections(CONNECTIONS)}`, results, {
        cost: [{ goal: "access log: CPU per request, to without", who: LOG, to: OURS, is: "at most", limit: 1.03 }],
      });
    } finally {
      for (const server of servers) await server.stop();
      rmSync(images, { recursive: true });
    }
  },
};
