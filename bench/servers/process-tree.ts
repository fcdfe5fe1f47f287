import { readdirSync, readFileSync } from "node:fs";

/** What processes hold of the physical memory, in MiB. */
export interface Memory {
  /** Pages that they share with other processes, such as Node's own code, are divided among all of them (PSS). */
  readonly share: number;
  /** All pages in full (RSS): about the share that it would have if nothing else ran. */
  readonly alone: number;
}

/** User and system time of a process and its descendants, in seconds. */
export const cpuSecondsOf = (pid: number): number =>
  sum(pid, (path) => cpuSecondsIn(readFileSync(`${path}/stat`, "utf8")));

export function memoryOf(pid: number): Memory {
  const of = (name: string): number => sum(pid, (path) => mebibytesIn(`${path}/smaps_rollup`, name));
  return { share: of("Pss"), alone: of("Rss") };
}

/** The most physical memory that each has held (RSS), added up, in MiB. */
export const peakMemoryOf = (pid: number): number => sum(pid, (path) => mebibytesIn(`${path}/status`, "VmHWM"));

/** One that ended in the meantime counts as nothing. */
function sum(pid: number, figureOf: (path: string) => number): number {
  return treeOf(pid).reduce((total, each) => total + orNothing(() => figureOf(`/proc/${each}`), 0), 0);
}

function treeOf(pid: number): number[] {
  const threads = orNothing(() => readdirSync(`/proc/${pid}/task`), []);
  const children = threads.flatMap((thread) =>
    orNothing(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"), "")
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
  return [pid, ...children.flatMap(treeOf)];
}

function orNothing<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}

/** Linux counts in hundredths of a second for programs, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

function cpuSecondsIn(stat: string): number {
  // The second field is a name that may have spaces, so counting begins after it; utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** A figure of a file in /proc that gives it in kB. */
export function mebibytesIn(path: string, name: string): number {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(path, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}
