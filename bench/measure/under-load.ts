import type { Load, LoadClient } from "../clients/load.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import { type Figure, figure, type Target } from "./figure.ts";
import { type Effort, interleave, mapValues, type Results } from "./rounds.ts";

/** What a server did under load, and what that took. */
export interface UnderLoad {
  readonly requestsPerSecond: number;
  /** Of the server, in ms per 1,000 requests. */
  readonly cpuPerThousand: number;
  readonly gigabytesPerSecond: number;
  /** Of the server, in seconds. */
  readonly cpuPerGigabyte: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
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
  const { requests, bytes, seconds, p50, p99, p999 } = await client(load);
  const cpu = server.cpuSeconds() - before;
  const [requestsPerSecond, gigabytes] = [requests / seconds, bytes / 1e9];
  return {
    requestsPerSecond,
    cpuPerThousand: (cpu * 1e6) / requests,
    gigabytesPerSecond: gigabytes / seconds,
    cpuPerGigabyte: cpu / gigabytes,
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
    figure(what, "ms (p50)", results, ({ p50 }) => p50),
    figure(what, "ms (p99)", results, ({ p99 }) => p99),
    figure(what, "ms (p99.9)", results, ({ p999 }) => p999),
  ];
}

/** For what is large: bytes, and their CPU time. */
export function byteFigures(
  what: string,
  results: Results<UnderLoad>,
  { speed = [], cost = [] }: Targets = {},
): Figure[] {
  return [
    figure(what, "GB/s", results, ({ gigabytesPerSecond }) => gigabytesPerSecond, speed),
    figure(what, "CPU s per GB", results, ({ cpuPerGigabyte }) => cpuPerGigabyte, cost),
  ];
}

/** `32 connections` */
export const ofConnections = (count: number): string => `${count} ${count === 1 ? "connection" : "connections"}`;
