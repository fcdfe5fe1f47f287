import type { Worker } from "node:cluster";
import { cumulative, mergeSnapshots, type Snapshot } from "../api/metrics-text.ts";

/** What several workers have counted, of which some may have ended: what was counted is never less than before. */
export interface FiguresOfMany {
  /** Undefined: it does not say, and what it said before stands. */
  set(worker: Worker, snapshot: Snapshot | undefined): void;
  end(worker: Worker): void;
  all(): Snapshot[];
}

export function figuresOfMany(): FiguresOfMany {
  const latest = new Map<Worker, Snapshot>();
  let ended: Snapshot = {};
  return {
    set(worker, snapshot) {
      if (snapshot) latest.set(worker, snapshot);
    },
    end(worker) {
      ended = mergeSnapshots([ended, cumulative(latest.get(worker) ?? {})]);
      latest.delete(worker);
    },
    all: () => [ended, ...latest.values()],
  };
}
