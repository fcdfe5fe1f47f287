/** What `node --cpu-prof` writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The id of the node that was running, sample by sample. */
  readonly samples: readonly number[];
  /** Since the sample before, in microseconds. */
  readonly timeDeltas: readonly number[];
}

/** Where something is in what V8 runs; lines and columns from 0. */
export interface Place {
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string } & Place;
}

/** A function and the time that was spent in it, without what it calls. */
export interface Hot {
  readonly name: string;
  /** File and line; nothing for what is no JavaScript. */
  readonly where: string;
  /** Of the time that was not spent waiting, from 0 to 1. */
  readonly share: number;
}

/** A profile, added up. */
export interface Hottest {
  /** Of the whole profile. */
  readonly seconds: number;
  /** In which it did not wait. */
  readonly busy: number;
  /** The most expensive first. */
  readonly functions: readonly Hot[];
}

/** `nameOf` says file and line as they are shown. */
export function hottestOf({ nodes, samples, timeDeltas }: CpuProfile, nameOf: (place: Place) => string): Hottest {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { name: string; where: string; time: number }>();
  let [total, waiting] = [0, 0];
  for (const [index, id] of samples.entries()) {
    const time = timeDeltas[index] ?? 0;
    const { functionName, ...place } = frames.get(id) ?? NOWHERE;
    total += time;
    if (functionName === IDLE) {
      waiting += time;
      continue;
    }
    const where = place.url === "" ? "" : nameOf(place);
    const key = `${functionName} ${where}`;
    const sum = (times.get(key)?.time ?? 0) + time;
    times.set(key, { name: functionName || "(anonymous)", where, time: sum });
  }
  const busy = total - waiting;
  const functions = [...times.values()]
    .sort((a, b) => b.time - a.time)
    .map(({ name, where, time }) => ({ name, where, share: time / busy }));
  return { seconds: total / 1e6, busy: busy / 1e6, functions };
}

/** What V8 calls waiting. */
const IDLE = "(idle)";

const NOWHERE = { functionName: "", url: "", lineNumber: 0, columnNumber: 0 };
