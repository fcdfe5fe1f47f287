import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { accessLog, linesTo } from "../cmd/access-log.ts";

/** A reader of the log. One that is slow takes nothing until it is told to. */
function reader({ slow = false } = {}) {
  const pieces: string[] = [];
  let waiting: (() => void) | undefined;
  let reads = !slow;
  const output = new Writable({
    decodeStrings: false,
    write(piece: string, _encoding, done) {
      pieces.push(piece);
      if (reads) done();
      else waiting = done;
    },
  });
  const start = (): void => {
    reads = true;
    waiting?.();
  };
  return {
    output,
    pieces,
    start,
    lines: () =>
      pieces
        .join("")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
  };
}

const request = (url: string, agent?: string) =>
  ({
    method: "GET",
    url,
    headers: { "user-agent": agent },
    socket: { remoteAddress: "127.0.0.1" },
  }) as unknown as IncomingMessage;

const RESPONSE = { statusCode: 200, writableFinished: true } as ServerResponse;

const LONG = `/v2/${"a".repeat(1000)}`;

describe("the access log", () => {
  it("writes many lines at once, and all of them before the end", async () => {
    const { output, pieces, lines } = reader();
    const log = accessLog(linesTo(output));
    for (let count = 0; count < 100; count++) log.onRequest(request(`/v2/${count}`), RESPONSE, performance.now());
    assert.deepEqual(pieces, []);
    await log.end();
    assert.deepEqual(
      lines().map(({ url }) => url),
      Array.from({ length: 100 }, (_, count) => `/v2/${count}`),
    );
    assert.ok(pieces.length < 5, `${pieces.length} writes`);
  });

  it("writes what waits when nothing more comes", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { output, lines } = reader();
    accessLog(linesTo(output)).onRequest(request("/v2/"), RESPONSE, performance.now());
    context.mock.timers.tick(1000);
    assert.equal(lines().length, 1);
  });

  it("is JSON whatever a client sends", async () => {
    const { output, lines } = reader();
    const log = accessLog(linesTo(output));
    const strange = ['"', "\\", "\u2028", "é", "\u0000\u001f\u007f", "\ud800", "a b", ""];
    for (const text of strange) log.onRequest(request(text, text), RESPONSE, performance.now());
    log.onRequest(request("/"), RESPONSE, performance.now());
    await log.end();
    assert.deepEqual(
      lines().map(({ url, agent }) => [url, agent]),
      [...strange.map((text) => [text, text]), ["/", undefined]],
    );
  });

  it("holds no more for a slow reader than has room, and says how many lines it left out", async () => {
    const { output, lines, start } = reader({ slow: true });
    const log = accessLog(linesTo(output));
    const requests = 20_000;
    for (let count = 0; count < requests; count++) log.onRequest(request(LONG), RESPONSE, performance.now());
    assert.ok(output.writableLength < 9 * 1024 * 1024, `${output.writableLength} bytes wait`);
    start();
    await log.end();
    const written = lines();
    const [{ missing }] = written.filter((line) => "missing" in line);
    assert.equal(written.filter(({ url }) => url === LONG).length + missing, requests);
  });

  it("waits for a slow reader before the end, but not for ever", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    for (const reads of [true, false]) {
      const { output, start } = reader({ slow: true });
      const log = accessLog(linesTo(output));
      log.onRequest(request("/v2/"), RESPONSE, performance.now());
      let ended = false;
      const ending = log.end().then(() => {
        ended = true;
      });
      await new Promise(setImmediate);
      assert.equal(ended, false);
      if (reads) start();
      else context.mock.timers.tick(60_000);
      await ending;
    }
  });

  it("of several processes leaves out what a slow reader cannot take, and says how much", () => {
    const { output, start, lines } = reader({ slow: true });
    const { write } = linesTo(output);
    const half = `{"size":"${"x".repeat(5 * 1024 * 1024)}"}\n`;
    for (const piece of [half, half, half + half, half]) write(piece);
    start();
    write('{"last":true}\n');
    const [first, second, missing, last] = lines();
    assert.deepEqual([first.size.length, second.size.length], [5 * 1024 * 1024, 5 * 1024 * 1024]);
    assert.deepEqual([missing.missing, last], [3, { last: true }]);
  });
});
