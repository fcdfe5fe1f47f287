import { largeLoad } from "./clients.ts";
import type { BenchImages } from "./images.ts";
import type { Figure, Target } from "./report.ts";
import { compare, type Effort, interleave } from "./rounds.ts";
import { type ServerProcess, startBareBlob } from "./server-process.ts";

export const CONNECTION_COUNTS = [1, 8];

const TARGET: Target = { of: "ratio", is: "at least", limit: 2 };

export interface Transfer {
  readonly gigabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

/** A large blob that was verified before, against a stream that is piped into the response. */
export async function measureBlobs(
  registry: ServerProcess,
  { repository, blob }: BenchImages,
  effort: Effort,
): Promise<Figure[]> {
  const bare = await startBareBlob(blob.path);
  const url = `${registry.origin}/v2/${repository}/blobs/${blob.digest}`;
  const figures: Figure[] = [];
  try {
    // The first one verifies the digest.
    await largeLoad(url, 1, 0);
    for (const connections of CONNECTION_COUNTS) {
      const contestants = {
        bare: () => transfer(bare, bare.origin, connections, effort.seconds),
        registry: () => transfer(registry, url, connections, effort.seconds),
      };
      const results = await interleave(effort.rounds, contestants);
      figures.push(...figuresOf("blob of 64 MiB", connections, results, TARGET));
    }
  } finally {
    await bare.stop();
  }
  return figures;
}

/** Fetches from a server for some seconds. */
export async function transfer(
  server: ServerProcess,
  url: string,
  connections: number,
  wanted: number,
): Promise<Transfer> {
  const before = server.cpuSeconds();
  const { bytes, seconds } = await largeLoad(url, connections, wanted);
  const gigabytes = bytes / 1e9;
  return {
    gigabytesPerSecond: gigabytes / seconds,
    cpuSecondsPerGigabyte: (server.cpuSeconds() - before) / gigabytes,
  };
}

/** The speed of one contestant against another, with a target for it, and what it costs. */
export function figuresOf(
  subject: string,
  connections: number,
  { registry, bare }: Record<"bare" | "registry", Transfer[]>,
  target: Target,
): Figure[] {
  const what = `${subject}, ${connections} ${connections === 1 ? "connection" : "connections"}`;
  const speed = compare(registry, bare, ({ gigabytesPerSecond }) => gigabytesPerSecond);
  const cost = compare(registry, bare, ({ cpuSecondsPerGigabyte }) => cpuSecondsPerGigabyte);
  return [
    { what, unit: "GB/s", ...speed, target },
    { what, unit: "CPU s per GB", ...cost },
  ];
}
