import type { Bench, Fleet } from "../bench.ts";
import { ask } from "../clients/get.ts";
import type { Load } from "../clients/load.ts";
import { pulledRepository, TAG } from "../content/content.ts";
import { MANIFEST } from "../content/manifest.ts";
import { BARE, type Figure, NO_NATIVE, OURS } from "../measure/figure.ts";
import { type Contestant, ofConnections, requestFigures, type Targets, underLoad } from "../measure/under-load.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import type { Scenario } from "./scenario.ts";

/** A way to ask for a manifest. */
interface Kind {
  readonly what: string;
  readonly reference: "tag" | "digest";
  readonly method: "GET" | "HEAD";
  /** Whether the client has it already and says so. */
  readonly known: boolean;
  readonly connections: readonly number[];
}

const GET_TAG: Kind = { what: "GET by tag", reference: "tag", method: "GET", known: false, connections: [32, 256] };

const KINDS: readonly Kind[] = [
  GET_TAG,
  { ...GET_TAG, what: "GET by digest", reference: "digest", connections: [32] },
  { ...GET_TAG, what: "HEAD by tag", method: "HEAD" },
  { ...GET_TAG, what: "If-None-Match by tag", known: true },
];

/** Manifests, against peers and against a server that says the same bytes without thinking. */
export const manifests: Scenario = {
  name: "manifests",
  title: "Manifests",
  quick: true,
  async measure(bench) {
    const fleet = await bench.fleet();
    const figures: Figure[] = [];
    for (const kind of bench.effort.quick ? [GET_TAG] : KINDS) figures.push(...(await measureKind(bench, fleet, kind)));
    return figures;
  },
};

async function measureKind({ ours, load, effort }: Bench, fleet: Fleet, kind: Kind): Promise<Figure[]> {
  const contestants: Record<string, Contestant> = {};
  // How blobs are sent makes no difference here.
  for (const [name, server] of Object.entries(fleet.servers).filter(([name]) => name !== NO_NATIVE)) {
    const contestant = await contestantOf(server, fleet, kind);
    if (contestant) contestants[name] = contestant;
  }
  const bare = await startBare(ours, contestants[OURS]);
  const all = bare ? { ...contestants, [BARE]: bare } : contestants;
  try {
    const figures: Figure[] = [];
    for (const connections of kind.connections) {
      const results = await underLoad(load, all, connections, effort);
      const targets = kind.known ? {} : TARGETS;
      figures.push(...requestFigures(`${kind.what}, ${ofConnections(connections)}`, results, targets));
    }
    return figures;
  } finally {
    await bare?.server.stop();
  }
}

const TARGETS: Targets = {
  speed: [
    { goal: "manifests: requests/s, to bare `node:http` with the same bytes", to: BARE, is: "at least", limit: 0.85 },
  ],
  cost: [
    { goal: "manifests: CPU per request, to distribution", to: "distribution", is: "at most", limit: 1 / 8 },
    { goal: "manifests: CPU per request, to zot", to: "zot", is: "at most", limit: 1 },
    { goal: "manifests: CPU per request, to olareg", to: "olareg", is: "at most", limit: 1 },
  ],
};

/** Undefined when the server cannot say that nothing has changed. */
async function contestantOf(server: ServerProcess, { content }: Fleet, kind: Kind): Promise<Contestant | undefined> {
  const repository = pulledRepository(0);
  const image = content.images.find((each) => each.repository === repository);
  const reference = kind.reference === "tag" ? TAG : image?.manifest.digest;
  const url = `${server.origin}/v2/${repository}/manifests/${reference}`;
  const accept = { Accept: MANIFEST };
  const { headers } = await ask(url, { headers: accept });
  if (!kind.known) return { server, load: { url, method: kind.method, headers: accept } };
  const known = { ...accept, "If-None-Match": String(headers.etag) };
  const { status } = await ask(url, { headers: known });
  return status === 304 ? { server, load: { url, headers: known, status } } : undefined;
}

/** Gives what our server gives, without the headers that Node writes itself. */
async function startBare(ours: Bench["ours"], contestant: Contestant | undefined): Promise<Contestant | undefined> {
  if (!contestant) return undefined;
  const load: Omit<Load, "connections" | "seconds"> = contestant.load;
  const { status, rawHeaders, body } = await ask(load.url, load);
  const own = new Set(["date", "connection", "keep-alive"]);
  const headers = rawHeaders.filter((_, index) => !own.has((rawHeaders[index - (index % 2)] ?? "").toLowerCase()));
  const server = await ours.bareManifest({ status, headers, body });
  return { server, load: { ...load, url: `${server.origin}/` } };
}
