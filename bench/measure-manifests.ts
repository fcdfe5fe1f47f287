import type { BareAnswer } from "./bare-manifest.ts";
import type { SmallLoad } from "./clients.ts";
import { get } from "./get.ts";
import type { BenchImages } from "./images.ts";
import type { Figure, Target } from "./report.ts";
import { compare, type Effort, interleave } from "./rounds.ts";
import { type ServerProcess, startBareManifest } from "./server-process.ts";

const CONNECTIONS = 32;

/** Figures count CPU seconds and not seconds: the load client takes a part of the machine. */
const TARGET: Target = { of: "ratio", is: "at least", limit: 0.8 };

/**
 * Manifests by tag and by digest, against a server that says the same bytes without thinking. The bare server gives the
 * answer by tag to both; the one by digest is 30 bytes longer.
 */
export async function measureManifests(
  registry: ServerProcess,
  { repository, tag }: BenchImages,
  load: SmallLoad,
  { rounds, seconds }: Effort,
): Promise<Figure[]> {
  const manifests = `${registry.origin}/v2/${repository}/manifests`;
  const answer = await get(`${manifests}/${tag}`);
  const bare = await startBareManifest(bareAnswerOf(answer));
  const requestsPerCpuSecond = (server: ServerProcess, url: string) => async (): Promise<number> => {
    const before = server.cpuSeconds();
    const { requests } = await load(url, CONNECTIONS, seconds);
    return requests / (server.cpuSeconds() - before);
  };
  const contestants = {
    bare: requestsPerCpuSecond(bare, bare.origin),
    tag: requestsPerCpuSecond(registry, `${manifests}/${tag}`),
    digest: requestsPerCpuSecond(registry, `${manifests}/${answer.headers["docker-content-digest"]}`),
  };
  try {
    // One round for the compiler of V8.
    await interleave(1, contestants);
    const results = await interleave(rounds, contestants);
    return (["tag", "digest"] as const).map((name) => ({
      what: `manifest by ${name}, ${CONNECTIONS} connections`,
      unit: "requests per CPU second",
      ...compare(results[name], results.bare, (value) => value),
      target: TARGET,
    }));
  } finally {
    await bare.stop();
  }
}

/** The answer of the registry without the headers that Node writes itself. */
function bareAnswerOf({ rawHeaders, body }: { rawHeaders: readonly string[]; body: string }): BareAnswer {
  const own = new Set(["date", "connection", "keep-alive"]);
  const headers = rawHeaders.filter((_, index) => !own.has((rawHeaders[index - (index % 2)] ?? "").toLowerCase()));
  return { headers, body };
}
