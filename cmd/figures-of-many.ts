import { cumulative, mergeSnapshots, type Snapshot } from "../api/metrics-text.ts";

/** What several processes have counted, of which some may have ended: what was counted is never less than before. */
export interface FiguresOfMany<Process> {
  /** Undefined: it does not say, and what it said before stands. */
  set(process: Process, snapshot: Snapshot | undefined): void;
  end(process: Process): void;
  all(): Snapshot[];
}

export function figuresOfMany<Process>(): FiguresOfMany<Process> {
  const latest = new Map<Process, Snapshot>();
  let ended: Snapshot = {};
  return {
    set(process, snapshot) {
      if (snapshot) latest.set(process, snapshot);
    },
    end(process) {
      ended = mergeSnapshots([ended, cumulative(latest.get(process) ?? {})]);
      latest.delete(process);
    },
    all: () => [ended, ...latest.values()],
  };
}
