import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { inTurn } from "../api/in-turn.ts";
import { digestOf } from "../registry/reference.ts";
import type { Serving } from "./support/command.ts";
import { askMany, connection, requestLine } from "./support/flood.ts";
import { pushBlob } from "./support/images.ts";
import { cannotMeasure, descriptorsOf, memoryOf, peakOf } from "./support/process.ts";
import { serveData } from "./support/serve-data.ts";
import { ask } from "./support/server.ts";
import { until } from "./support/until.ts";

const MIB = 1024 * 1024;
const LARGE = randomBytes(64 * MIB);
const PATH = `/v2/app/blobs/${digestOf(LARGE)}`;
const ONE_BYTE = requestLine("GET", PATH, "Range: bytes=5-5");

/** A server that has a large blob. */
async function serveLarge(context: TestContext, ...args: string[]): Promise<Serving> {
  const serving = await serveData(context, [], ...args);
  await pushBlob(serving.registry, "app", LARGE);
  return serving;
}

/** That others are served meanwhile. */
async function assertServes({ origin }: Serving): Promise<void> {
  const { status, body } = await ask(origin, "GET", PATH, { headers: { Range: "bytes=7-8" } });
  assert.equal(status, 206);
  assert.ok(body.equals(LARGE.subarray(7, 9)));
}

describe("requests for one byte of a large blob", { skip: cannotMeasure() }, () => {
  it("are answered by the thousands, with few files open and little memory", async (context) => {
    const serving = await serveLarge(context);
    const requests = Array.from({ length: 500 }, () => ONE_BYTE);
    const { memory, descriptors } = await peakOf(serving.pid, async () => {
      const clients = Array.from({ length: 20 }, () => askMany(context, serving.port, requests));
      await assertServes(serving);
      for (const statuses of await Promise.all(clients)) assert.deepEqual([...statuses], [[206, 500]]);
    });
    assert.ok(descriptors < 150, `${descriptors} descriptors`);
    assert.ok(memory < 300, `${memory} MiB`);
  });

  it("end the connection when thousands are sent ahead, and cost others nothing", async (context) => {
    const serving = await serveLarge(context);
    const { memory, descriptors } = await peakOf(serving.pid, async () => {
      const sockets = Array.from({ length: 100 }, () => connection(context, serving.port));
      const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const socket of sockets) socket.write(ONE_BYTE.repeat(2000));
      await assertServes(serving);
      // Who does not read does not hear that it is over.
      for (const socket of sockets) socket.resume();
      await Promise.all(closed);
    });
    assert.ok(descriptors < 250, `${descriptors} descriptors`);
    assert.ok(memory < 500, `${memory} MiB`);
    await assertServes(serving);
    await until(() => descriptorsOf(serving.pid) < 50, "everything is closed");
    assert.equal(serving.errors(), "");
  });

  it("get it whole when they ask for hundreds of ranges at once, and may go before the end", async (context) => {
    const serving = await serveLarge(context);
    const ranges = Array.from({ length: 1000 }, (_, place) => `${place}-${place}`).join(",");
    const { memory } = await peakOf(serving.pid, async () => {
      const sockets = Array.from({ length: 200 }, () => connection(context, serving.port));
      for (const socket of sockets) socket.write(requestLine("GET", PATH, `Range: bytes=${ranges}`));
      for (const socket of sockets) {
        const [head] = (await once(socket, "data")) as [Buffer];
        assert.match(head.toString("latin1"), /^HTTP\/1\.1 200 /);
        socket.pause();
      }
      await assertServes(serving);
      for (const socket of sockets) socket.destroy();
    });
    assert.ok(memory < 300, `${memory} MiB`);
    await until(() => descriptorsOf(serving.pid) < 50, "everything is closed");
  });
});

describe("requests that are sent ahead", () => {
  /** The most that are worked on at the same time when 10 are sent at once. */
  const atOnce = async (context: TestContext, guard: (listener: RequestListener) => RequestListener) => {
    let running = 0;
    let most = 0;
    const server = createServer(
      guard(async (_, response) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        response.end();
      }),
    ).listen(0, "127.0.0.1");
    context.after(() => server.close());
    await once(server, "listening");
    const requests = Array.from({ length: 10 }, () => requestLine("GET", "/"));
    const { port } = server.address() as AddressInfo;
    assert.deepEqual([...(await askMany(context, port, requests, { ahead: 10 }))], [[200, 10]]);
    return most;
  };

  it("are answered one after the other", async (context) => {
    assert.equal(await atOnce(context, inTurn), 1);
  });

  it("would be answered all at once otherwise (control)", async (context) => {
    assert.equal(await atOnce(context, (listener) => listener), 10);
  });
});

for (const [way, ...args] of [["by the kernel"], ["by reading and writing", "--no-native"]]) {
  describe(`who does not read a blob that is sent ${way}`, { skip: cannotMeasure() }, () => {
    it("is cut when nothing has moved for too long, and holds little memory", async (context) => {
      const options = ["--transfer-memory", "8M", ...args];
      const serving = await serveLarge(context, "--stall-limit", "3s", ...options);
      const patient = await serveLarge(context, "--stall-limit", "0", ...options);
      const before = memoryOf(serving.pid);
      const slow = Array.from({ length: 3 }, () => readSlowly(connection(context, serving.port)));
      const { memory } = await peakOf(serving.pid, async () => {
        for (const { port, count } of [
          { port: serving.port, count: 500 },
          { port: patient.port, count: 20 },
        ]) {
          const sockets = Array.from({ length: count }, () => connection(context, port));
          await Promise.all(sockets.map((socket) => once(socket, "connect")));
          for (const socket of sockets) socket.pause().write(requestLine("GET", PATH));
        }
        await until(() => descriptorsOf(serving.pid) > 500 && descriptorsOf(patient.pid) > 20, "all are there");
        await assertServes(serving);
        await until(() => descriptorsOf(serving.pid) < 50, "they are cut");
      });
      assert.ok(memory < before + 150, `${before} and then ${memory} MiB`);
      assert.ok(descriptorsOf(patient.pid) > 30, "without a limit they would be there (control)");
      for (const { hurry, body } of slow) {
        hurry();
        assert.ok((await body).equals(LARGE), "who is slow and reads has it all");
      }
      assert.equal(serving.errors(), "");
    });
  });
}

describe("a server that is told to stop", { skip: cannotMeasure() }, () => {
  it("waits for those who read, and not for those who have stopped reading", async (context) => {
    const serving = await serveLarge(context, "--access-log");
    const idle = descriptorsOf(serving.pid);
    const stalled = connection(context, serving.port);
    await once(stalled, "connect");
    stalled.pause().write(requestLine("GET", PATH));
    const slow = readSlowly(connection(context, serving.port));
    // Who was not heard yet when a server stops is not waited for.
    await slow.begun;
    await until(() => descriptorsOf(serving.pid) >= idle + 2, "both are there");
    const exited = once(serving.child, "exit");
    serving.child.kill("SIGTERM");
    await until(() => serving.output().includes('"complete":false'), "who does not read is cut");
    slow.hurry();
    assert.ok((await slow.body).equals(LARGE));
    assert.deepEqual(await exited, [0, null]);
    assert.ok(serving.output().includes('"status":200,"complete":true'));
  });
});

/** Reads a little of the blob now and then, for as long as nobody is in a hurry. */
function readSlowly(socket: Socket): {
  readonly begun: Promise<unknown>;
  readonly body: Promise<Buffer>;
  hurry(): void;
} {
  const chunks: Buffer[] = [];
  let slow = true;
  const begun = once(socket, "readable");
  const body = (async () => {
    socket.write(requestLine("GET", PATH, "Connection: close"));
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      // 64 KiB, so 100 kB/s: the kernel takes no more bytes from the server before a million of those that it has are gone.
      if (slow) await new Promise((resolve) => setTimeout(resolve, 640));
    }
    const all = Buffer.concat(chunks);
    return all.subarray(all.indexOf("\r\n\r\n") + 4);
  })();
  return {
    begun,
    body,
    hurry: () => {
      slow = false;
    },
  };
}
