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
/** No longer than until there are so many characters. */
const ENOUGH = 64 * 1024;
/** What may wait for a slow reader, in bytes. Lines that come then are left out and counted: pulls come before the log. */
const LIMIT = 8 * 1024 * 1024;
/** How long a reader that takes nothing holds up the end, in ms. */
const LAST_CHANCE = 5_000;

/** Writes the log to `output`. Lines that still wait when the process ends without `end` are written then. */
export function accessLog(output: Writable): AccessLog {
  let lines = "";
  let missing = 0;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines !== "") output.write(lines);
    lines = "";
  };
  const add = (line: string): void => {
    lines += line;
    if (lines.length >= ENOUGH) flush();
    else timer ??= setTimeout(flush, PATIENCE).unref();
  };
  process.once("exit", flush);

  return {
    onRequest(request, response, started) {
      if (output.writableLength > LIMIT) {
        missing++;
        return;
      }
      if (missing > 0) add(missingLine(missing));
      missing = 0;
      add(lineOf(request, response, performance.now() - started));
    },
    async end() {
      flush();
      let waiting: NodeJS.Timeout | undefined;
      const taken = new Promise<void>((resolve) => void output.write("", () => resolve()));
      const late = new Promise<void>((resolve) => {
        waiting = setTimeout(resolve, LAST_CHANCE);
      });
      await Promise.race([taken, late]);
      clearTimeout(waiting);
    },
  };
}

/** Writes lines that others have put together, and leaves out what comes while too many wait for a slow reader. */
export function linesTo(output: Writable): (lines: string) => void {
  let missing = 0;
  return (lines) => {
    if (output.writableLength > LIMIT) missing += lines.split("\n").length - 1;
    else {
      output.write(missing > 0 ? missingLine(missing) + lines : lines);
      missing = 0;
    }
  };
}

const missingLine = (missing: number): string => `{"time":"${now()}","missing":${missing}}\n`;

/** Put together by hand, which takes a third of what JSON.stringify of an object does. */
function lineOf({ method, url, headers, socket }: IncomingMessage, response: ServerResponse, took: number): string {
  const agent = headers["user-agent"];
  return (
    `{"time":"${now()}","method":${quoted(method)},"url":${quoted(url)},"status":${response.statusCode},` +
    `"complete":${response.writableFinished},"milliseconds":${Math.round(took * 1000) / 1000}` +
    `${socket.remoteAddress === undefined ? "" : `,"client":"${socket.remoteAddress}"`}` +
    `${agent === undefined ? "" : `,"agent":${quoted(agent.slice(0, 256))}`}}\n`
  );
}

/** JSON of a string; nearly all that clients send has nothing to escape. */
const quoted = (text = ""): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

const PLAIN = /^[ !#-[\]-~]*$/;

let moment = 0;
let text = "";

/** The time of the clock; written out once for all requests of one millisecond. */
function now(): string {
  const current = Date.now();
  if (current !== moment) text = new Date(current).toISOString();
  moment = current;
  return text;
}
