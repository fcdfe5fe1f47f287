import type { IncomingMessage, ServerResponse } from "node:http";
import type { Writable } from "node:stream";

/** A line of JSON for each finished request. */
export interface AccessLog {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, started: number) => void;
  /** Resolves when every line has been taken, or when nobody takes any. */
  end(): Promise<void>;
}

/** How long a line waits for others, in ms: a write for each would cost half as much as answering a manifest. */
const PATIENCE = 50;
/** No longer than until there are so many. */
const ENOUGH = 500;
/** What may wait for a slow reader, in bytes. Lines that come then are left out and counted: pulls come before the log. */
const LIMIT = 8 * 1024 * 1024;
/** How long a reader that takes nothing holds up the end, in ms. */
const LAST_CHANCE = 5_000;

/** Puts the log together. Lines that still wait when the process ends without `end` are written then. */
export function accessLog(output: Lines): AccessLog {
  let entries: Entry[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (entries.length === 0) return;
    // Many in a row, while the processor has at hand what it takes.
    let lines = "";
    for (const entry of entries) lines += lineOf(entry);
    entries = [];
    output.write(lines);
  };
  process.once("exit", flush);

  return {
    onRequest({ method, url, headers, socket }, { statusCode: status, writableFinished: complete }, started) {
      if (output.isFull) return output.leaveOut();
      const took = performance.now() - started;
      const { remoteAddress: client } = socket;
      entries.push({ time: Date.now(), method, url, status, complete, took, client, agent: headers["user-agent"] });
      if (entries.length >= ENOUGH) flush();
      else timer ??= setTimeout(flush, PATIENCE).unref();
    },
    end() {
      flush();
      return output.end();
    },
  };
}

/** Where the lines of a log go. */
export interface Lines {
  /** Whether so many wait for a slow reader that what comes now is left out. */
  readonly isFull: boolean;
  /** Says before the next lines that one more is missing. */
  leaveOut(): void;
  /** Leaves them out when it is full. */
  write(lines: string): void;
  /** Resolves when every line has been taken, or when nobody takes any. */
  end(): Promise<void>;
}

export function linesTo(output: Writable): Lines {
  let missing = 0;
  const write = (lines: string): void => {
    output.write(missing > 0 ? missingLine(missing) + lines : lines, "latin1");
    missing = 0;
  };
  const own: Lines = {
    get isFull() {
      return output.writableLength > LIMIT;
    },
    leaveOut() {
      missing++;
    },
    write(lines) {
      if (own.isFull) missing += lines.split("\n").length - 1;
      else write(lines);
    },
    end() {
      if (missing > 0) write("");
      return taken(output);
    },
  };
  return own;
}

async function taken(output: Writable): Promise<void> {
  let waiting: NodeJS.Timeout | undefined;
  const all = new Promise<void>((resolve) => void output.write("", () => resolve()));
  const late = new Promise<void>((resolve) => {
    waiting = setTimeout(resolve, LAST_CHANCE);
  });
  await Promise.race([all, late]);
  clearTimeout(waiting);
}

const missingLine = (missing: number): string => `{"time":"${written(Date.now())}","missing":${missing}}\n`;

/** What a line says, in the order in which it says it. */
interface Entry {
  readonly time: number;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly status: number;
  readonly complete: boolean;
  readonly took: number;
  readonly client: string | undefined;
  readonly agent: string | undefined;
}

/** Put together by hand, which takes a third of what JSON.stringify of an object does. */
const lineOf = ({ time, method, url, status, complete, took, client, agent }: Entry): string =>
  `{"time":"${written(time)}","method":"${method}","url":${quoted(url)},"status":${status},` +
  `"complete":${complete},"milliseconds":${thousandths(took)}` +
  `${client === undefined ? "" : `,"client":"${client}"`}` +
  `${agent === undefined ? "" : `,"agent":${quoted(agent.slice(0, 256))}`}}\n`;

/** JSON of a string, in ASCII; nearly all that clients send has nothing to escape. */
const quoted = (text = ""): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(BEYOND, escaped));

const PLAIN = /^[ !#-[\]-~]*$/;
const BEYOND = /[^ -~]/g;

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A number with three digits after the point; much quicker than to find out how few digits would do. */
function thousandths(value: number): string {
  const whole = Math.round(value * 1000);
  const rest = whole % 1000;
  return `${(whole - rest) / 1000}.${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}`;
}

let moment = 0;
let text = "";

/** A time of the clock; written out once for all requests of one millisecond. */
function written(time: number): string {
  if (time !== moment) text = new Date(time).toISOString();
  moment = time;
  return text;
}
