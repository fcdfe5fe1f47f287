import { readdirSync, readFileSync } from "node:fs";

/** What the tests of limits need to know of another process; undefined when the system does not say. */
export const cannotMeasure = (): string | false => {
  try {
    memoryOf(process.pid);
    return false;
  } catch {
    return "the system does not say how much memory a process has";
  }
};

/** What a process has in memory, in MiB; what it shares with others is counted in parts (PSS). */
export function memoryOf(pid: number): number {
  const [, kibibytes = ""] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

/** How many files and connections a process has open. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

export interface Peak {
  /** In MiB. */
  readonly memory: number;
  readonly descriptors: number;
}

/** The most that a process had while something was done. */
export async function peakOf(pid: number, action: () => Promise<unknown>): Promise<Peak> {
  const peak = { memory: 0, descriptors: 0 };
  const look = (): void => {
    peak.memory = Math.max(peak.memory, memoryOf(pid));
    peak.descriptors = Math.max(peak.descriptors, descriptorsOf(pid));
  };
  const timer = setInterval(look, 100);
  try {
    await action();
    look();
    return peak;
  } finally {
    clearInterval(timer);
  }
}
