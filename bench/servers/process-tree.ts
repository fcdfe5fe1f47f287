import { readdirSync, readFileSync } from "node:fs";

/** What the processes of a server hold of the physical memory, in MiB. */
export interface Memory {
  /**
   * Pages that they share with other programs are divided among all of them, as PSS has it; those of their own program, such
   * as Node's code, count in full and once, as if no other server or client ran the same program.
   */
  readonly pss: number;
  /** All pages in full, for each process again. */
  readonly rss: number;
}

/** User and system time of a process and its descendants, in seconds. */
export const cpuSecondsOf = (pid: number): number =>
  sum(pid, (path) => cpuSecondsIn(readFileSync(`${path}/stat`, "utf8")));

export function memoryOf(pid: number): Memory {
  const each = treeOf(pid).map((one) => mappedIn(orNothing(() => readFileSync(`/proc/${one}/smaps`, "utf8"), "")));
  const total = (read: (mapped: Mapped) => number): number => each.reduce((sum, mapped) => sum + read(mapped), 0);
  const programs = Math.max(...each.map(({ program }) => program));
  return { pss: total(({ own }) => own) + programs, rss: total(({ rss }) => rss) };
}

/** What is in the memory of one process, in MiB. */
interface Mapped {
  readonly rss: number;
  /** Its share, without `program`. */
  readonly own: number;
  /** Of the program's files, what another process has too. */
  readonly program: number;
}

/** Reads `smaps`: for each mapping a line with the file, and then figures. */
function mappedIn(smaps: string): Mapped {
  const sum = { rss: 0, own: 0, program: 0 };
  for (const mapping of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((text) => text !== "")) {
    const of = (name: string): number => kibibytesIn(mapping, name) / 1024;
    const [rss, shared] = [of("Rss"), of("Shared_Clean") + of("Shared_Dirty")];
    const isProgram = PROGRAM.test(mapping);
    sum.rss += rss;
    sum.own += isProgram ? rss - shared : of("Pss");
    if (isProgram) sum.program += shared;
  }
  return sum;
}

/** The first line of a mapping of a file that is no library of the system. */
const PROGRAM = /^\S+ \S+ \S+ \S+ \S+ +\/(?!(usr\/)?lib(32|64|x32)?\/)/;

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
export const mebibytesIn = (path: string, name: string): number => kibibytesIn(readFileSync(path, "utf8"), name) / 1024;

const kibibytesIn = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
