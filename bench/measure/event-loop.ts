import { ask } from "../clients/get.ts";

/** How often a server has looked at its event loop, and how often it was not late. */
export interface Looks {
  readonly all: number;
  readonly inTime: number;
}

const NONE: Looks = { all: 0, inTime: 0 };

/** What a server says at /metrics of its looks so far; none of one that says nothing. `seconds` is one of its bounds. */
export async function looksAtEventLoop(origin: string, seconds: number): Promise<Looks> {
  const { status, body } = await ask(`${origin}/metrics`);
  if (status !== 200) return NONE;
  const count = (series: string): number =>
    Number(
      body
        .split("\n")
        .find((line) => line.startsWith(series))
        ?.split(" ")[1],
    );
  const name = "ociregistry_event_loop_delay_seconds";
  return { all: count(`${name}_count`), inTime: count(`${name}_bucket{le="${seconds}"}`) };
}

/** Of the looks between two counts, how many were in time, in percent. */
export const percentInTime = (before: Looks, after: Looks): number =>
  (100 * (after.inTime - before.inTime)) / (after.all - before.all);
