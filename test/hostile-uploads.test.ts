import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { digestOf } from "../registry/reference.ts";
import { runCommand, type Serving } from "./support/command.ts";
import { connection } from "./support/flood.ts";
import { pushImage, testImage } from "./support/images.ts";
import { cannotMeasure, descriptorsOf, memoryOf, peakOf } from "./support/process.ts";
import { type ServingData, serveData } from "./support/serve-data.ts";
import { ask, errorOf } from "./support/server.ts";
import { until } from "./support/until.ts";

const UPLOADS = "/v2/app/blobs/uploads/";

const serve = (context: TestContext, ...args: string[]) => serveData(context, [], ...args);

const open = ({ origin }: Serving) => ask(origin, "POST", UPLOADS);

/** The locations of new uploads. */
async function openMany(serving: Serving, count: number): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => open(serving)));
  for (const { status } of answers) assert.equal(status, 202);
  return answers.map(({ headers }) => headers.location ?? "");
}

/** A connection that has begun to send a body. */
function begun(context: TestContext, serving: Serving, location: string, header: string): Socket {
  const socket = connection(context, serving.port).resume();
  socket.write(`PATCH ${location} HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n${header}\r\n\r\n`);
  return socket;
}

/** That others can push meanwhile. */
async function assertTakes({ origin }: Serving): Promise<void> {
  const blob = randomBytes(1000);
  const pushed = await ask(origin, "POST", `/v2/other/blobs/uploads/?digest=${digestOf(blob)}`, { body: blob });
  assert.equal(pushed.status, 201);
}

describe("uploads that are opened and left", { skip: cannotMeasure() }, () => {
  it("hold no file open and little memory, and make room when they are given up", async (context) => {
    const serving = await serve(context, "--max-uploads", "400", "--upload-expiry", "1s");
    const patient = await serve(context, "--upload-expiry", "0");
    await assertTakes(serving);
    const before = memoryOf(serving.pid);
    for (const location of await openMany(serving, 400)) {
      const sent = await ask(serving.origin, "PATCH", location, { body: "a beginning" });
      assert.equal(sent.status, 202);
    }
    await openMany(patient, 10);
    const refused = await open(serving);
    assert.deepEqual([refused.status, errorOf(refused).code], [429, "TOOMANYREQUESTS"]);
    assert.ok(descriptorsOf(serving.pid) < 60, `${descriptorsOf(serving.pid)} descriptors`);
    assert.ok(memoryOf(serving.pid) < before + 50, `${before} and then ${memoryOf(serving.pid)} MiB`);
    const left = ({ data }: ServingData): number => readdirSync(join(data, "uploads")).length;
    await until(async () => {
      for (const { data } of [serving, patient]) assert.equal((await runCommand("gc", "--data", data)).code, 0);
      return left(serving) === 0;
    }, "they are given up");
    assert.equal(left(patient), 10, "with 0 they are never (control)");
    await openMany(serving, 400);
  });
});

describe("bodies that come slowly", { skip: cannotMeasure() }, () => {
  it("are cut when nothing comes any more, can be gone on with, and others push meanwhile", async (context) => {
    const serving = await serve(context, "--stall-limit", "2s");
    const patient = await serve(context, "--stall-limit", "0");
    await assertTakes(serving);
    await assertTakes(patient);
    const locations = await openMany(serving, 200);
    const stalled = locations.map((location) => begun(context, serving, location, "Content-Length: 1000000"));
    const kept = (await openMany(patient, 1)).map((location) =>
      begun(context, patient, location, "Content-Length: 1000000"),
    );
    const closed = stalled.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of [...stalled, ...kept]) socket.write("ten bytes.");
    const [moving = ""] = await openMany(serving, 1);
    const slow = begun(context, serving, moving, "Content-Length: 1000000");
    const drip = setInterval(() => slow.write("x"), 100);
    await assertTakes(serving);
    await Promise.all(closed);
    clearInterval(drip);
    assert.equal(kept[0]?.closed, false, "without the limit it would be there (control)");
    assert.equal(slow.closed, false, "what moves is not cut");
    for (const location of locations.slice(0, 3)) {
      assert.equal((await ask(serving.origin, "GET", location)).headers.range, "0-9");
    }
    slow.destroy();
    await until(() => descriptorsOf(serving.pid) < 60, "nothing is left open");
    assert.equal(serving.errors(), "");
  });

  it("take little memory together when they stop just before they are written", async (context) => {
    const serving = await serve(context);
    await assertTakes(serving);
    const before = memoryOf(serving.pid);
    const most = randomBytes(1_000_000);
    const locations = await openMany(serving, 300);
    const { memory } = await peakOf(serving.pid, async () => {
      const sending = locations.map((location) => {
        const socket = begun(context, serving, location, "Content-Length: 2000000");
        return new Promise<void>((resolve) => void socket.write(most, () => resolve()));
      });
      await Promise.all(sending);
      await assertTakes(serving);
    });
    assert.ok(memory < before + 200, `${before} and then ${memory} MiB`);
  });

  it("take little memory when they come in chunks of one byte", async (context) => {
    const serving = await serve(context);
    const image = testImage("app", "1", ["layer"]);
    await pushImage(serving.registry, image);
    const before = memoryOf(serving.pid);
    const size = 100_000;
    const locations = await openMany(serving, 10);
    const { memory } = await peakOf(serving.pid, async () => {
      const sockets = locations.map((location) => begun(context, serving, location, "Transfer-Encoding: chunked"));
      const answered = sockets.map((socket) => once(socket, "data"));
      for (const socket of sockets) socket.write("1\r\nx\r\n".repeat(size));
      await assertTakes(serving);
      for (const socket of sockets) socket.write("0\r\n\r\n");
      for (const [answer] of (await Promise.all(answered)) as [Buffer][]) {
        assert.match(answer.toString("latin1"), /^HTTP\/1\.1 202 /);
      }
    });
    for (const location of locations) {
      assert.equal((await ask(serving.origin, "GET", location)).headers.range, `0-${size - 1}`);
    }
    assert.ok(memory < before + 150, `${before} and then ${memory} MiB`);
  });
});
