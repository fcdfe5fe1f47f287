import { setTimeout as wait } from "node:timers/promises";
import type { Figure, Target } from "./report.ts";
import { spreadOf } from "./rounds.ts";
import type { ServerProcess } from "./server-process.ts";

/** Of a server that nobody asks anything, as PSS. */
export const IDLE_MEMORY: Target = { of: "value", is: "at most", limit: 90 };

const REST_MILLISECONDS = 3000;

/** What is left after the load, when the server has had a moment to give memory back. */
export async function measureMemoryAfter(registry: ServerProcess): Promise<Figure[]> {
  await wait(REST_MILLISECONDS);
  const { share, alone } = registry.memory();
  return [
    { what: "memory after the load", unit: "MiB PSS", registry: spreadOf([share]), target: IDLE_MEMORY },
    { what: "memory after the load", unit: "MiB RSS", registry: spreadOf([alone]) },
  ];
}
