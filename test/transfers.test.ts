import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { closeSync, fsyncSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { descriptorOf } from "../api/descriptor-of.ts";
import { loadSendfile, type Sendfile } from "../api/sendfile.ts";
import { createTransfers, type Transfers } from "../api/transfers.ts";
import { readAll } from "../registry/content.ts";
import { resolveRange } from "../registry/range.ts";
import { type Digest, digestOf } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { memory } from "../registry/store/memory.ts";
import { temporaryFolder } from "./support/images.ts";
import { type Answer, ask, startServer, type TestServer } from "./support/server.ts";
import { until } from "./support/until.ts";
import { WAYS } from "./support/ways.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const native = loadSendfile();

/** A server of blobs that lie one behind the other in one file, with something between them. */
async function serveBlobs(
  context: TestContext,
  blobs: readonly Buffer[],
  transfers: Transfers,
  onRequest?: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer & { pathOf(blob: Buffer): string }> {
  const path = join(temporaryFolder(context), "blobs");
  const gap = Buffer.alloc(512, "gap");
  writeFileSync(path, Buffer.concat(blobs.flatMap((blob) => [gap, blob])));
  const fd = openSync(path, "r");
  const places = new Map<Digest, { offset: number; size: number }>();
  let position = 0;
  for (const blob of blobs) {
    places.set(digestOf(blob), { offset: position + gap.length, size: blob.length });
    position += gap.length + blob.length;
  }
  const registry: Registry = {
    ...memory(),
    async getBlob(_, digest, { range } = {}) {
      const { offset, size } = places.get(digest) ?? { offset: 0, size: 0 };
      const { start, end } = resolveRange(range, size);
      return {
        descriptor: { mediaType: "application/octet-stream", digest, size },
        range: { start, end },
        body: {
          kind: "file",
          fd,
          path,
          identity: "",
          onlyMoved: false,
          offset: offset + start,
          length: end - start,
          unchanged: async () => true,
          close: async () => {},
        },
      };
    },
    statBlob: async (_, digest) => ({
      mediaType: "application/octet-stream",
      digest,
      size: places.get(digest)?.size ?? 0,
    }),
  };
  const server = await startServer(registry, { transfers, ...(onRequest ? { onRequest } : {}) });
  context.after(async () => {
    await server.close();
    closeSync(fd);
  });
  const paths = new Map(blobs.map((blob) => [blob, `/v2/app/blobs/${digestOf(blob)}`]));
  return { ...server, pathOf: (blob) => paths.get(blob) ?? "" };
}

for (const { way, create } of WAYS) {
  describe(`blobs that are sent ${way}`, () => {
    it("arrive as they are, whatever their size, wholly and in parts", async (context) => {
      const edges = [64 * KIB, 80 * KIB, MIB, MIB + 16 * KIB, 5 * MIB + 3];
      const blobs = edges.flatMap((size) => [size - 1, size, size + 1]).map((size) => randomBytes(size));
      const { origin, pathOf } = await serveBlobs(context, blobs, create());
      for (const blob of blobs) {
        assert.ok((await ask(origin, "GET", pathOf(blob))).body.equals(blob), `${blob.length} bytes`);
        const first = randomInt(blob.length);
        const last = randomInt(first, blob.length);
        const part = await ask(origin, "GET", pathOf(blob), { headers: { Range: `bytes=${first}-${last}` } });
        assert.equal(part.status, 206);
        assert.ok(part.body.equals(blob.subarray(first, last + 1)), `${first} to ${last} of ${blob.length}`);
      }
    });

    it("come one after the other when they are asked for together", async (context) => {
      const blobs = [randomBytes(3 * MIB), randomBytes(MIB), randomBytes(100)];
      const { port, pathOf } = await serveBlobs(context, blobs, create());
      const socket = connect(port, "127.0.0.1");
      const requests = blobs.flatMap((blob) => [requestFor("HEAD", pathOf(blob)), requestFor("GET", pathOf(blob))]);
      socket.write(requests.join(""));
      const received: Buffer[] = [];
      const total = blobs.reduce((sum, { length }) => sum + length, 0);
      let length = 0;
      // The heads are looked over below; there are less than 1 kB of each.
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        received.push(chunk);
        length += chunk.length;
        if (length > total && headsIn(Buffer.concat(received), blobs) === requests.length) break;
      }
      const all = Buffer.concat(received);
      let position = 0;
      for (const blob of blobs) {
        for (const body of [Buffer.alloc(0), blob]) {
          assert.equal(all.subarray(position, position + 15).toString(), "HTTP/1.1 200 OK");
          position = all.indexOf("\r\n\r\n", position) + 4;
          assert.ok(all.subarray(position, position + body.length).equals(body));
          position += body.length;
        }
      }
      assert.equal(position, all.length);
    });

    it("are right a thousand times over connections that are used again, while others hang up", async (context) => {
      const blobs = Array.from({ length: 8 }, () => randomBytes(MIB));
      const { port, pathOf } = await serveBlobs(context, blobs, create());
      const agent = new Agent({ keepAlive: true, maxSockets: 16 });
      context.after(() => agent.destroy());
      const get = async (): Promise<void> => {
        const blob = blobs[randomInt(blobs.length)] ?? Buffer.alloc(0);
        const request = httpRequest({ hostname: "127.0.0.1", port, path: pathOf(blob), agent }).end();
        const [response] = (await once(request, "response")) as [IncomingMessage];
        assert.ok((await readAll(response)).equals(blob));
      };
      const hangUp = async (): Promise<void> => {
        const socket = connect(port, "127.0.0.1").on("error", () => {});
        socket.write(requestFor("GET", pathOf(blobs[0] ?? Buffer.alloc(0))));
        await once(socket, "readable");
        socket.destroy();
      };
      const client = async (): Promise<void> => {
        for (let count = 0; count < 64; count++) {
          await get();
          if (count % 4 === 0) await hangUp();
        }
      };
      await Promise.all(Array.from({ length: 16 }, client));
    });

    it("reach slow clients whole, and hold little memory meanwhile", async (context) => {
      const blob = randomBytes(16 * MIB);
      const limit = 2 * MIB;
      const transfers = create({ memory: limit });
      const { port, pathOf } = await serveBlobs(context, [blob], transfers);
      const sockets = Array.from({ length: 40 }, () => connect(port, "127.0.0.1"));
      context.after(() => {
        for (const socket of sockets) socket.destroy();
      });
      for (const socket of sockets) {
        socket.write(requestFor("GET", pathOf(blob)));
        // They read when their turn has come.
        await once(socket, "readable");
      }
      await until(() => transfers.active === sockets.length && transfers.held > 0, "all are under way");
      assert.ok(transfers.held <= limit, `${transfers.held} bytes`);
      for (const socket of sockets) assert.ok((await bodyFrom(socket, blob.length)).equals(blob));
      await until(() => transfers.active === 0 && transfers.held === 0, "nothing is left");
    });

    it("leave nothing behind when clients go, also those that had asked for more", async (context) => {
      const blob = randomBytes(16 * MIB);
      const transfers = create();
      const { port, pathOf } = await serveBlobs(context, [blob], transfers);
      for (const asked of [1, 1, 1, 3]) {
        const socket = connect(port, "127.0.0.1");
        socket.write(requestFor("GET", pathOf(blob)).repeat(asked));
        await once(socket, "readable");
        // The others have to wait for their turn in any case, so they are not begun before.
        await until(() => transfers.active === 1 && transfers.held > 0, "it is under way");
        socket.destroy();
        await until(() => transfers.active === 0 && transfers.held === 0, "nothing is left");
      }
    });

    it("are complete in the log only when every byte was sent", async (context) => {
      const blob = randomBytes(32 * MIB);
      const complete: boolean[] = [];
      const log = (_: IncomingMessage, response: ServerResponse): unknown => complete.push(response.writableFinished);
      const { origin, port, pathOf } = await serveBlobs(context, [blob], create(), log);
      await ask(origin, "GET", pathOf(blob));
      const socket = connect(port, "127.0.0.1");
      socket.write(requestFor("GET", pathOf(blob)));
      await once(socket, "readable");
      socket.destroy();
      await until(() => complete.length === 2, "both are in the log");
      assert.deepEqual(complete, [true, false]);
    });
  });
}

describe("sendfile", { skip: native ? false : "is not there on this machine" }, () => {
  if (!native) return;

  /** A blob of a server whose sendfile is changed in a way; `used` counts the calls that sent something. */
  const getWith = async (
    context: TestContext,
    changes: Partial<Sendfile>,
  ): Promise<{ answer: Answer; blob: Buffer }> => {
    const blob = randomBytes(3 * MIB);
    const transfers = createTransfers({ native: { ...native, ...changes } });
    const { origin, pathOf } = await serveBlobs(context, [blob], transfers);
    return { answer: await ask(origin, "GET", pathOf(blob)), blob };
  };

  it("may take any number of bytes", async (context) => {
    const { answer, blob } = await getWith(context, {
      send: (socket, file, offset, length) => native.send(socket, file, offset, randomInt(1, length + 1)),
    });
    assert.ok(answer.body.equals(blob));
  });

  it("may take none now and then, or never", async (context) => {
    for (const chance of [2, 1]) {
      const { answer, blob } = await getWith(context, {
        send: (socket, file, offset, length) =>
          randomInt(chance) === 0 ? -1 : native.send(socket, file, offset, Math.min(length, 100 * KIB)),
      });
      assert.ok(answer.body.equals(blob));
    }
  });

  it("breaks off when the file ends too soon", async (context) => {
    await assert.rejects(getWith(context, { send: () => 0 }));
  });

  it("is not used when there is no descriptor left for a thread", async (context) => {
    const { answer, blob } = await getWith(context, { isInMemory: () => false, duplicate: () => -1 });
    assert.ok(answer.body.equals(blob));
  });

  it("never overtakes what Node has still to send", async (context) => {
    const blob = randomBytes(3 * MIB);
    // More than the kernel takes for a client that does not read: the head waits behind it.
    const before = Buffer.alloc(64 * MIB, "before");
    const received: Buffer[] = [];
    const transfers = createTransfers({
      native: {
        ...native,
        isInMemory: () => true,
        send(...args) {
          // The client makes room just now, and Node has not heard of it.
          received.push(...readNow(client));
          return native.send(...args);
        },
      },
    });
    const { server, port, pathOf } = await serveBlobs(context, [blob], transfers);
    server.prependOnceListener("request", (_, response) => response.socket?.write(before));
    // It reads nothing by itself.
    const client = connect(port, "127.0.0.1").pause();
    context.after(() => client.destroy());
    client.write(requestFor("GET", pathOf(blob), "Connection: close"));
    await until(() => transfers.active === 1, "it is under way");
    await until(() => {
      received.push(...readNow(client));
      return transfers.active === 0;
    }, "all is sent");
    const all = Buffer.concat([...received, await readAll(client)]);
    assert.ok(all.subarray(0, before.length).equals(before));
    assert.match(all.subarray(before.length, before.length + 15).toString("latin1"), /^HTTP\/1\.1 200 OK$/);
    assert.ok(all.subarray(all.indexOf("\r\n\r\n", before.length) + 4).equals(blob));
  });

  it("sends at most 1 MiB in one turn, and less for each when there are many", async (context) => {
    const blob = randomBytes(16 * MIB);
    /** By the number of those who are under way. */
    const longest = new Map<number, number>();
    const transfers = createTransfers({
      native: {
        ...native,
        isInMemory: () => true,
        send(socket, file, offset, length) {
          longest.set(transfers.active, Math.max(length, longest.get(transfers.active) ?? 0));
          return native.send(socket, file, offset, length);
        },
      },
    });
    const { origin, port, pathOf } = await serveBlobs(context, [blob], transfers);
    await ask(origin, "GET", pathOf(blob));
    const sockets = Array.from({ length: 40 }, () => connect(port, "127.0.0.1"));
    context.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) socket.write(requestFor("GET", pathOf(blob)));
    await until(() => transfers.active === sockets.length, "all are under way");
    const [first] = sockets;
    assert.ok(first && (await bodyFrom(first, blob.length)).equals(blob));
    assert.deepEqual([longest.get(1), longest.get(40)], [MIB, 128 * KIB]);
  });

  it("knows what would wait for the disk, at either end", (context) => {
    const size = 8 * MIB;
    const path = join(temporaryFolder(context), "file");
    const fd = openSync(path, "wx+");
    context.after(() => closeSync(fd));
    writeSync(fd, randomBytes(size));
    fsyncSync(fd);
    for (const touched of [[], [0], [size - 1]]) {
      dropFromMemory(path);
      const before = fetchedFromDisks();
      for (const position of touched) readSync(fd, Buffer.alloc(1), 0, 1, position);
      const inMemory = native.isInMemory(fd, 0, size);
      readSync(fd, Buffer.alloc(size), 0, size, 0);
      if (fetchedFromDisks() < before + size / 2) {
        context.skip("nothing can be dropped from memory here, or nobody says what was read from the disk");
        return;
      }
      assert.equal(inMemory, false, `touched at ${touched}`);
    }
    assert.equal(native.isInMemory(fd, 0, size), true);
  });

  it("has at most 64 threads wait for the disk, and others get their blobs meanwhile", async (context) => {
    const blob = randomBytes(MIB);
    const released = deferred();
    let waiting = 0;
    let done = 0;
    const transfers = createTransfers({
      native: {
        ...native,
        isInMemory: () => false,
        async sendInThread(...args) {
          waiting++;
          await released.promise;
          return native.sendInThread(...args);
        },
      },
    });
    context.after(released.resolve);
    const { origin, pathOf } = await serveBlobs(context, [blob], transfers);
    const answers = Array.from({ length: 100 }, async () => {
      const { body } = await ask(origin, "GET", pathOf(blob));
      done++;
      return body;
    });
    await until(() => waiting + done >= answers.length, "each waits for the disk or has its blob");
    assert.deepEqual({ waiting, done }, { waiting: 64, done: 36 });
    released.resolve();
    for (const body of await Promise.all(answers)) assert.ok(body.equals(blob));
  });

  /**
   * A thread sends only after its client has gone and another one has come, whose connection has the same descriptor.
   * Returns what the second one received.
   */
  const outlive = async (context: TestContext, changes: Partial<Sendfile>): Promise<Buffer> => {
    const blob = randomBytes(MIB);
    const called = deferred();
    const released = deferred();
    const done = deferred();
    const transfers = createTransfers({
      native: {
        ...native,
        isInMemory: () => false,
        async sendInThread(socket, file, offset, length) {
          called.resolve();
          await released.promise;
          return native.sendInThread(socket, file, offset, length).finally(done.resolve);
        },
        ...changes,
      },
    });
    const server = await serveBlobs(context, [blob], transfers);
    const accepted = once(server.server, "connection") as Promise<[Socket & { _handle: { fd: number } }]>;
    const gone = connect(server.port, "127.0.0.1").on("error", () => {});
    gone.write(requestFor("GET", server.pathOf(blob)));
    const [serverSide] = await accepted;
    const first = serverSide._handle.fd;
    await called.promise;
    const closed = new Promise((resolve) => serverSide.once("close", resolve));
    gone.destroy();
    await closed;
    // The lowest free number is given out first: only that of the first one is left when the second one is accepted.
    const fillers: number[] = [];
    while ((fillers.at(-1) ?? -1) <= first) fillers.push(openSync("/dev/null", "r"));
    assert.ok(fillers.includes(first));
    context.after(() => {
      for (const filler of fillers) if (filler !== first) closeSync(filler);
    });
    const next = once(server.server, "connection") as Promise<[Socket & { _handle: { fd: number } }]>;
    const other = connect(server.port, "127.0.0.1");
    // It takes its own number in this turn.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    closeSync(first);
    const [otherSide] = await next;
    assert.equal(otherSide._handle.fd, first);
    released.resolve();
    await done.promise;
    otherSide.end();
    return readAll(other);
  };

  it("in a thread never sends to the client that came after its own", async (context) => {
    assert.equal((await outlive(context, {})).length, 0);
  });

  it("in a thread would send to another client without a descriptor of its own (control)", async (context) => {
    const received = await outlive(context, { duplicate: (socket) => socket, close: () => {} });
    assert.ok(received.length > 0);
  });

  it("is left alone under TLS", async (context) => {
    const blob = randomBytes(3 * MIB);
    let calls = 0;
    const transfers = createTransfers({
      native: {
        ...native,
        send: (...args) => {
          calls++;
          return native.send(...args);
        },
      },
    });
    const { server, pathOf } = await serveBlobs(context, [blob], transfers);
    const secret = { psk: randomBytes(32), identity: "test" };
    // A key that both sides know, because a certificate would have to be made.
    const ciphers = { ciphers: "PSK", maxVersion: "TLSv1.2" } as const;
    const tls = createTlsServer({ ...ciphers, pskCallback: () => secret.psk });
    tls.on("request", (request, response) => server.emit("request", request, response));
    tls.listen(0, "127.0.0.1");
    context.after(() => tls.close());
    await once(tls, "listening");
    const address = tls.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const socket = connectTls({
      ...ciphers,
      port,
      host: "127.0.0.1",
      pskCallback: () => secret,
      checkServerIdentity: () => undefined,
    });
    socket.write(requestFor("GET", pathOf(blob)));
    assert.ok((await bodyFrom(socket, blob.length)).equals(blob));
    assert.equal(calls, 0);
    socket.destroy();
  });
});

const requestFor = (method: string, path: string, ...headers: string[]): string =>
  [`${method} ${path} HTTP/1.1`, "Host: a", ...headers, "", ""].join("\r\n");

/** How many answers have come wholly, of blobs that were asked for with HEAD and then with GET. */
function headsIn(all: Buffer, blobs: readonly Buffer[]): number {
  let position = 0;
  let heads = 0;
  for (const blob of blobs) {
    for (const length of [0, blob.length]) {
      const end = all.indexOf("\r\n\r\n", position);
      if (end < 0 || end + 4 + length > all.length) return heads;
      position = end + 4 + length;
      heads++;
    }
  }
  return heads;
}

/** Makes the next read of a file, which has to be synced, wait for the disk. */
const dropFromMemory = (path: string) => spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0"]);

/** How many bytes this process has had from disks up to now. */
const fetchedFromDisks = (): number =>
  Number(/^read_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? 0);

/** What has come to a paused socket, read without giving Node a turn. */
function readNow(socket: Socket): Buffer[] {
  const fd = descriptorOf(socket);
  const chunks: Buffer[] = [];
  const buffer = Buffer.alloc(MIB);
  try {
    for (;;) {
      const length = readSync(fd, buffer);
      if (length === 0) return chunks;
      chunks.push(Buffer.from(buffer.subarray(0, length)));
    }
  } catch (error) {
    // There is nothing more.
    assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
    return chunks;
  }
}

/** The body of the answer that comes first. */
async function bodyFrom(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let missing = Number.POSITIVE_INFINITY;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (missing === Number.POSITIVE_INFINITY) {
      const head = Buffer.concat(chunks).indexOf("\r\n\r\n") + 4;
      if (head >= 4) missing = head + length - Buffer.concat(chunks).length;
    } else missing -= chunk.length;
    if (missing <= 0) break;
  }
  const all = Buffer.concat(chunks);
  return all.subarray(all.indexOf("\r\n\r\n") + 4);
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
