import type { Load, LoadClient } from "../clients/load.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import { type Figure, figure, type Target } from "./figure.ts";
import { type Latency, latencyFigures } from "./latency.ts";
import { type Effort, interleave, mapValues, type Results } from "./rounds.ts";

/** What a server did under load, and what that took. */
export interface UnderLoad extends Latency {
  readonly requestsPerSecond: number;
  /** Of the server, in ms per 1,000 requests. */
  readonly cpuPerThousand: number;
  readonly gigabytesPerSecond: number;
  /** Of the server, in seconds. */
  readonly cpuPerGigabyte: number;
}

/** A server and what it is asked for. */
export interface Contestant {
  readonly server: ServerProcess;
  readonly load: Omit<Load, "connections" | "seconds">;
}

/**
 * Measures all contestants with so many connections. Before that each answers once, for those that verify a digest the
 * first time, and then for half the time, for compilers and caches.
 */
export async function underLoad(
  client: LoadClient,
  contestants: Readonly<Record<string, Contestant>>,
  connections: number,
  { rounds, seconds }: Effort,
): Promise<Results<UnderLoad>> {
  const asked = (count: number, wanted: number) =>
    mapValues(
      contestants,
      ({ server, load }) =>
        () =>
          measure(client, server, { ...load, connections: count, seconds: wanted }),
    );
  await interleave(1, asked(1, 0));
  await interleave(1, asked(connections, seconds / 2));
  return interleave(rounds, asked(connections, seconds));
}

async function measure(client: LoadClient, server: ServerProcess, load: Load): Promise<UnderLoad> {
  const before = server.cpuSeconds();
  const { bytes, seconds, count, p50, p99, p999 } = await client(load);
  const cpu = server.cpuSeconds() - before;
  const [requestsPerSecond, gigabytes] = [count / seconds, bytes / 1e9];
  return {
    requestsPerSecond,
    cpuPerThousand: (cpu * 1e6) / count,
    gigabytesPerSecond: gigabytes / seconds,
    cpuPerGigabyte: cpu / gigabytes,
    count,
    p50,
    p99,
    p999,
  };
}

/** Of how much is done, and of what that takes of the CPU. */
export interface Targets {
  readonly speed?: readonly Target[];
  readonly cost?: readonly Target[];
}

/** For what is small: requests, their CPU time, and how long they take. */
export function requestFigures(
  what: string,
  results: Results<UnderLoad>,
  { speed = [], cost = [] }: Targets = {},
): Figure[] {
  return [
    figure(what, "requests/s", results, ({ requestsPerSecond }) => requestsPerSecond, speed),
    figure(what, "CPU ms per 1,000", results, ({ cpuPerThousand }) => cpuPerThousand, cost),
    ...latencyFigures(what, results),
  ];
}

/** For what is large: bytes, their CPU time, and how long a request for all of them takes. */
export function byteFigures(
  what: string,
  results: Results<UnderLoad>,
  { speed = [], cost = [] }: Targets = {},
): Figure[] {
  return [
    figure(what, "GB/s", results, ({ gigabytesPerSecond }) => gigabytesPerSecond, speed),
    figure(what, "CPU s per GB", results, ({ cpuPerGigabyte }) => cpuPerGigabyte, cost),
    ...latencyFigures(what, results),
  ];
}

/** `32 connections` */
export const ofConnections = (count: number): string => `${count} ${count === 1 ? "connection" : "connections"}`;
