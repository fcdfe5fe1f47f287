import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, IncomingMessage } from "node:http";
import { type AddressInfo, connect, Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { requestBody } from "../api/request-body.ts";
import { readAll, streamOf } from "../registry/content.ts";
import { RegistryError } from "../registry/errors.ts";
import { digestFrom, digestOf } from "../registry/reference.ts";
import type { ByteStream, Registry } from "../registry/registry.ts";
import { type DataOptions, openDataStore } from "../registry/store/data/data-store.ts";
import { type Disk, type DiskFile, nodeDisk } from "../registry/store/data/disk.ts";
import { type FileHasher, fileHasher, type HashThread } from "../registry/store/data/file-hasher.ts";
import { temporaryFolder } from "./support/images.ts";
import { ask, startServer } from "./support/server.ts";

const MIB = 1024 * 1024;

async function openStore(context: TestContext, options: DataOptions = {}, root = temporaryFolder(context)) {
  const store = await openDataStore(join(root, "data"), { sync: false, ...options });
  context.after(() => store.close());
  return { ...store, root };
}

/** In pieces of a size that divides nothing. */
async function* inChunks(bytes: Uint8Array, size = 70_001): ByteStream {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** As they come from a connection: each in memory of its own, which whoever takes it may give away. */
async function* inOwnMemory(bytes: Uint8Array, size = 65_536): ByteStream {
  for await (const chunk of inChunks(bytes, size)) yield new Uint8Array(chunk);
}

const leftovers = (root: string): string[] => readdirSync(join(root, "data", "uploads"));

const isRefusal = (code: string) => (error: unknown) => error instanceof RegistryError && error.code === code;

async function readBlob(registry: Registry, name: string, bytes: Uint8Array): Promise<Buffer> {
  return readAll(streamOf((await registry.getBlob(name, digestOf(bytes))).body));
}

/** Threads that die when the test says so. */
function mortalThreads() {
  const threads: Worker[] = [];
  const start = (): HashThread => {
    const url = new URL("../registry/store/data/file-hasher-thread.js", import.meta.url);
    const thread = new Worker(url);
    threads.push(thread);
    return thread;
  };
  return { threads, start };
}

/** A thread that hashes, without what it hashes, as slow as the test says. */
function stoppableHasher() {
  const begun = new Set<string>();
  let running = Promise.resolve();
  let go = (): void => {};
  const follow: FileHasher["follow"] = (path) => ({
    get isBegun() {
      return begun.has(path);
    },
    advance: () => {
      begun.add(path);
      return running;
    },
    digest: () => Promise.reject(new Error("nothing is hashed")),
    close() {},
  });
  return {
    follow,
    end: async () => {},
    stop() {
      running = new Promise((resolve) => {
        go = resolve;
      });
    },
    go: () => go(),
    forget: () => begun.clear(),
  };
}

/** The disk of this machine, of which the first sync of a file fails, as after a fault of the drive. */
function diskWhoseFirstSyncFails(): Disk {
  let failed = false;
  const failingOnce = (file: DiskFile): DiskFile => ({
    ...file,
    sync: async () => {
      if (!failed) {
        failed = true;
        throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "fdatasync" });
      }
      return file.sync();
    },
  });
  const open = async (path: string) => {
    const file = await nodeDisk.open(path);
    return file && path.includes("uploads") ? failingOnce(file) : file;
  };
  return { ...nodeDisk, open };
}

describe("an upload", () => {
  it("is given up when a sync fails in the background, and not called stored after the next one", async (context) => {
    const disk = diskWhoseFirstSyncFails();
    const { registry, root } = await openStore(context, { sync: true, disk });
    // More than one sync's worth, and enough after it for the failure to be over.
    const bytes = randomBytes(48 * MIB);
    const upload = await registry.startUpload("app");
    await assert.rejects(upload.append({ body: inChunks(bytes) }));
    await assert.rejects(registry.resumeUpload("app", upload.id), isRefusal("BLOB_UPLOAD_UNKNOWN"));
    assert.deepEqual(leftovers(root), []);
  });

  it("has its digest, whatever else is sent, cancelled and refused meanwhile", async (context) => {
    const { registry, root } = await openStore(context);
    const uploads = Array.from({ length: 24 }, async (_, index) => {
      const bytes = randomBytes((index % 8) * MIB + index * 1000);
      const name = `many/${index % 3}`;
      const upload = await registry.startUpload(name);
      const middle = bytes.length >> 1;
      await upload.append({ body: inChunks(bytes.subarray(0, middle)) });
      if (index % 4 === 1) return upload.cancel();
      if (index % 4 === 2) {
        const wrong = digestOf(Buffer.from(`wrong ${index}`));
        await assert.rejects(
          upload.commit(wrong, { body: inChunks(bytes.subarray(middle)) }),
          isRefusal("DIGEST_INVALID"),
        );
        assert.equal(upload.size, middle);
      }
      if (index % 4 === 3) {
        const tooShort = { body: inChunks(bytes.subarray(middle)), start: middle, end: bytes.length + 1 };
        await assert.rejects(upload.append(tooShort), isRefusal("RANGE_INVALID"));
      }
      await upload.commit(digestOf(bytes), { body: inChunks(bytes.subarray(middle)) });
      assert.deepEqual(await readBlob(registry, name, bytes), bytes);
    });
    await Promise.all(uploads);
    assert.deepEqual(leftovers(root), []);
  });

  it("that is cancelled while it is sent ends, and leaves nothing", async (context) => {
    const { registry, root } = await openStore(context);
    const upload = await registry.startUpload("cancelled");
    const body = async function* (): ByteStream {
      yield randomBytes(3 * MIB);
      await upload.cancel();
      yield randomBytes(3 * MIB);
    };
    await assert.rejects(upload.append({ body: body() }), isRefusal("BLOB_UPLOAD_UNKNOWN"));
    assert.deepEqual(leftovers(root), []);
  });

  it("may be named by a digest of another algorithm", async (context) => {
    const { registry } = await openStore(context);
    const bytes = randomBytes(3 * MIB);
    const upload = await registry.startUpload("other");
    const digest = digestFrom("sha512", createHash("sha512").update(bytes).digest("hex"));
    await upload.commit(digest, { body: inChunks(bytes) });
    assert.equal((await registry.statBlob("other", digest)).size, bytes.length);
  });

  it("goes on after a restart", async (context) => {
    const root = temporaryFolder(context);
    const bytes = randomBytes(5 * MIB);
    const before = await openStore(context, {}, root);
    const { id } = await before.registry.startUpload("restarted");
    const first = await before.registry.resumeUpload("restarted", id);
    await first.append({ body: inChunks(bytes.subarray(0, 3 * MIB)) });
    await before.close();
    const { registry } = await openStore(context, {}, root);
    const upload = await registry.resumeUpload("restarted", id);
    await upload.commit(digestOf(bytes), { body: inChunks(bytes.subarray(upload.size)) });
    assert.deepEqual(await readBlob(registry, "restarted", bytes), bytes);
  });

  it("goes on after a restart with what is given away, whatever has been hashed of it by then", async (context) => {
    const root = temporaryFolder(context);
    const bytes = randomBytes(40 * MIB);
    const before = await openStore(context, {}, root);
    const { id } = await before.registry.startUpload("restarted");
    const first = await before.registry.resumeUpload("restarted", id);
    await first.append({ body: inOwnMemory(bytes.subarray(0, 16 * MIB)), transferable: true });
    await before.close();
    const { registry } = await openStore(context, {}, root);
    const upload = await registry.resumeUpload("restarted", id);
    await upload.append({ body: inOwnMemory(bytes.subarray(upload.size, 30 * MIB)), transferable: true });
    await upload.commit(digestOf(bytes), { body: inOwnMemory(bytes.subarray(upload.size)), transferable: true });
    assert.deepEqual(await readBlob(registry, "restarted", bytes), bytes);
  });

  it("that is gone on with does not wait for what was there to be hashed, in which its client would be cut", async (context) => {
    const root = temporaryFolder(context);
    const before = await openStore(context, {}, root);
    const { id } = await before.registry.startUpload("large");
    await before.close();
    const [file = ""] = leftovers(root);
    truncateSync(join(root, "data", "uploads", file), 200 * MIB);
    const hasher = stoppableHasher();
    const { registry } = await openStore(context, { hasher }, root);
    const upload = await registry.resumeUpload("large", id);
    const send = (mebibytes: number) =>
      upload.append({ body: inOwnMemory(Buffer.alloc(mebibytes * MIB)), transferable: true });
    // More than may wait to be hashed.
    hasher.stop();
    await send(70);
    hasher.go();
    await send(1);
    // As when the thread was ended because nobody had sent anything for a while.
    hasher.forget();
    hasher.stop();
    await send(6);
    assert.equal(upload.size, 277 * MIB);
    await upload.cancel();
  });

  it("gives back the memory of what was sent, and takes nobody's whose it is not", async (context) => {
    const { registry } = await openStore(context);
    for (const transferable of [true, false]) {
      const bytes = randomBytes(20 * MIB);
      const chunks: Uint8Array[] = [];
      const remembered = async function* (): ByteStream {
        for await (const chunk of inOwnMemory(bytes)) {
          chunks.push(chunk);
          yield chunk;
        }
      };
      const upload = await registry.startUpload("memory");
      await upload.commit(digestOf(bytes), { body: remembered(), transferable });
      assert.deepEqual(await readBlob(registry, "memory", bytes), bytes);
      const held = chunks.reduce((sum, { length }) => sum + length, 0);
      assert.equal(held, transferable ? 0 : bytes.length);
    }
  });

  it("takes little memory together with others when they are hashed more slowly than they come", async (context) => {
    const hasher = stoppableHasher();
    const { registry } = await openStore(context, { hasher });
    hasher.stop();
    const chunks: Uint8Array[] = [];
    const bytes = Buffer.alloc(4 * MIB);
    const remembered = async function* (): ByteStream {
      for await (const chunk of inOwnMemory(bytes)) {
        chunks.push(chunk);
        yield chunk;
      }
    };
    const uploads = await Promise.all(Array.from({ length: 32 }, () => registry.startUpload("many")));
    for (const upload of uploads) await upload.append({ body: remembered(), transferable: true });
    const held = chunks.reduce((sum, { length }) => sum + length, 0);
    assert.ok(held > 0 && held <= 64 * MIB, `${held} bytes are held`);
    for (const upload of uploads) await upload.cancel();
  });

  it("takes little memory together with others when the disk is slow", async (context) => {
    let go = (): void => {};
    const written = new Promise<void>((resolve) => {
      go = resolve;
    });
    const nothing = async (): Promise<void> => {};
    const slow: DiskFile = {
      write: () => written,
      read: async () => 0,
      truncate: nothing,
      sync: nothing,
      close: nothing,
    };
    const { registry } = await openStore(context, { disk: { ...nodeDisk, open: async () => slow } });
    const uploads = await Promise.all(Array.from({ length: 200 }, () => registry.startUpload("many")));
    let taken = 0;
    const counted = async function* (): ByteStream {
      for await (const chunk of inChunks(Buffer.alloc(2 * MIB), 65_536)) {
        taken += chunk.length;
        yield chunk;
      }
    };
    const sending = uploads.map((upload) => upload.append({ body: counted() }));
    // Nothing else is waited for here than that disk.
    await new Promise(setImmediate);
    assert.ok(taken >= 64 * MIB && taken <= 100 * MIB, `${taken} bytes were taken`);
    for (const upload of uploads) await upload.cancel();
    go();
    for (const each of await Promise.allSettled(sending)) assert.equal(each.status, "rejected");
  });

  it("leaves memory alone that has something else in it, too", async (context) => {
    const { registry } = await openStore(context);
    const bytes = randomBytes(5 * MIB);
    const neighbours: Uint8Array[] = [];
    const body = async function* (): ByteStream {
      for await (const chunk of inChunks(bytes)) {
        const memory = new Uint8Array([...chunk, 1]);
        neighbours.push(memory.subarray(chunk.length));
        yield memory.subarray(0, chunk.length);
      }
    };
    await (await registry.startUpload("shared")).commit(digestOf(bytes), { body: body(), transferable: true });
    assert.deepEqual(await readBlob(registry, "shared", bytes), bytes);
    assert.ok(neighbours.every(([value]) => value === 1));
  });

  it("comes from a connection in memory that can be given back", async (context) => {
    const whole: boolean[] = [];
    const server = createServer(async (request, response) => {
      for await (const { byteLength, buffer } of requestBody(request, { received: 0 }))
        whole.push(byteLength === buffer.byteLength);
      response.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    await ask(`http://127.0.0.1:${port}`, "PUT", "/", { body: randomBytes(MIB) });
    assert.ok(whole.length > 0 && whole.every(Boolean));
  });

  it("that has arrived already does not keep others waiting", async () => {
    const request = new IncomingMessage(new Socket());
    for (let chunk = 0; chunk < 256; chunk++) request.push(Buffer.alloc(65_536));
    request.push(null);
    let received = 0;
    let before: number | undefined;
    setImmediate(() => {
      before = received;
    });
    for await (const { length } of requestBody(request, { received: 0 })) received += length;
    assert.equal(received, 16 * MIB);
    assert.ok(before !== undefined && before <= MIB, `${before} bytes were taken before it was the turn of others`);
  });

  it("that is refused while it is sent is answered, and the connection goes on", async (context) => {
    const { registry } = await openStore(context, { limits: { blobSize: 2 * MIB } });
    const server = await startServer(registry);
    context.after(server.close);
    const { id } = await registry.startUpload("long");
    const socket = connect({ host: "127.0.0.1", port: server.port });
    const body = randomBytes(24 * MIB);
    const head = `PATCH /v2/long/blobs/uploads/${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    let answers = "";
    socket.setEncoding("latin1").on("data", (text) => {
      answers += text;
    });
    socket.write(head);
    socket.write(body);
    socket.write("GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await once(socket, "close");
    assert.deepEqual(answers.match(/HTTP\/1.1 \d+/g), ["HTTP/1.1 413", "HTTP/1.1 200"]);
    assert.match(answers, /"SIZE_INVALID"/);
  });
});

describe("the thread that hashes", () => {
  it("may die in the middle: the upload does not notice", async (context) => {
    const { threads, start } = mortalThreads();
    const { registry } = await openStore(context, { hasher: fileHasher({ start }) });
    const bytes = randomBytes(8 * MIB);
    const upload = await registry.startUpload("mortal");
    await upload.append({ body: inChunks(bytes.subarray(0, 4 * MIB)) });
    assert.equal(threads.length, 1);
    await threads[0]?.terminate();
    await upload.commit(digestOf(bytes), { body: inChunks(bytes.subarray(4 * MIB)) });
    assert.deepEqual(await readBlob(registry, "mortal", bytes), bytes);
  });

  it("may die at each message", async (context) => {
    const { threads, start } = mortalThreads();
    const dying = (): HashThread => {
      const thread = start();
      const { postMessage } = thread;
      thread.postMessage = (message) => {
        postMessage.call(thread, message);
        void thread.terminate();
      };
      return thread;
    };
    const { registry } = await openStore(context, { hasher: fileHasher({ start: dying }) });
    await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const bytes = randomBytes((index + 2) * MIB);
        const upload = await registry.startUpload("dying");
        await upload.commit(digestOf(bytes), { body: inChunks(bytes) });
        assert.deepEqual(await readBlob(registry, "dying", bytes), bytes);
      }),
    );
    // One that died before it did anything is not followed by others without end.
    assert.ok(threads.length <= 4, `${threads.length} threads were started`);
  });

  it("may die with what it was given", async (context) => {
    const { threads, start } = mortalThreads();
    let answered: Promise<unknown> | undefined;
    const heard = (): HashThread => {
      const thread = start();
      answered ??= new Promise((resolve) => thread.on("message", resolve));
      return thread;
    };
    const { registry } = await openStore(context, { hasher: fileHasher({ start: heard }) });
    const bytes = randomBytes(24 * MIB);
    const body = async function* (): ByteStream {
      let sent = 0;
      for await (const chunk of inOwnMemory(bytes)) {
        sent += chunk.length;
        if (sent === 8 * MIB) {
          // One that died before it did anything is not followed by another.
          await answered;
          void threads[0]?.terminate();
        }
        yield chunk;
      }
    };
    const upload = await registry.startUpload("given");
    await upload.commit(digestOf(bytes), { body: body(), transferable: true });
    assert.deepEqual(await readBlob(registry, "given", bytes), bytes);
    assert.equal(threads.length, 2);
  });

  it("may not be had at all", async (context) => {
    const start = (): HashThread => {
      throw new Error("No more threads");
    };
    const { registry } = await openStore(context, { hasher: fileHasher({ start }) });
    const bytes = randomBytes(3 * MIB);
    const upload = await registry.startUpload("none");
    await upload.commit(digestOf(bytes), { body: inChunks(bytes) });
    assert.deepEqual(await readBlob(registry, "none", bytes), bytes);
  });

  it("is not started for small uploads", async (context) => {
    const { threads, start } = mortalThreads();
    const { registry } = await openStore(context, { hasher: fileHasher({ start }) });
    const bytes = randomBytes(MIB);
    await (await registry.startUpload("small")).commit(digestOf(bytes), { body: inChunks(bytes) });
    assert.equal(threads.length, 0);
    const large = randomBytes(MIB + 1);
    await (await registry.startUpload("small")).commit(digestOf(large), { body: inChunks(large) });
    assert.equal(threads.length, 1);
  });

  it("ends when it has nothing to do, and begins again", async (context) => {
    const { threads, start } = mortalThreads();
    const hasher = fileHasher({ start, idle: 1 });
    const path = join(temporaryFolder(context), "file");
    const bytes = randomBytes(2 * MIB);
    writeFileSync(path, bytes);
    const file = hasher.follow(path, "sha256");
    await file.advance(MIB);
    const [first] = threads;
    assert.ok(first);
    // Neither the thread nor its clock keeps a process from its end.
    const awake = setInterval(() => {}, 1000);
    await once(first, "exit");
    clearInterval(awake);
    assert.equal(await file.digest(bytes.length), digestOf(bytes));
    assert.equal(threads.length, 2);
    await hasher.end();
  });

  it("goes on from where it is when it is asked for more before it has come so far", async (context) => {
    const hasher = fileHasher();
    context.after(hasher.end);
    const path = join(temporaryFolder(context), "file");
    const bytes = randomBytes(16 * MIB);
    writeFileSync(path, bytes);
    const file = hasher.follow(path, "sha256");
    // Each takes several turns, so the second comes to bytes that the first is still to come to. What fails is forgotten,
    // and everything is hashed once more.
    const [, digest] = await Promise.all([file.advance(7 * MIB), file.digest(bytes.length)]);
    assert.equal(digest, digestOf(bytes));
  });

  it("refuses a file that is shorter than it is said to be", async (context) => {
    const hasher = fileHasher();
    context.after(hasher.end);
    const path = join(temporaryFolder(context), "file");
    writeFileSync(path, "short");
    await assert.rejects(hasher.follow(path, "sha256").digest(6), /has 5 bytes/);
    await assert.rejects(hasher.follow(`${path}-missing`, "sha256").digest(6), /ENOENT/);
  });
});
