import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ServerOptions } from "../api/server.ts";
import { readAll } from "../registry/content.ts";
import { type Digest, digestOf } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { memory } from "../registry/store/memory.ts";
import { hexOf, pushImage, type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { PROGRAM } from "./support/program.ts";
import { projectRoot } from "./support/root.ts";
import { type Answer, ask, errorOf, startServer, type TestServer } from "./support/server.ts";
import { until } from "./support/until.ts";
import { WAYS } from "./support/ways.ts";

const MIB = 1024 * 1024;

/** An image with one layer of that many bytes that nothing compresses. */
function imageOf(bytes: number): TestImage & { layer: Buffer; digest: Digest } {
  const image = testImage("app", "1.0", ["x"]);
  const layer = Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(bytes - 2)]);
  return { ...image, layers: [layer], layer, digest: digestOf(layer) };
}

async function serveFolder(
  context: TestContext,
  image: TestImage,
  options: ServerOptions = {},
): Promise<{ server: TestServer; file: string; damage: string[] }> {
  const root = temporaryFolder(context);
  const entry = writeExport(root, image);
  const damage: string[] = [];
  const server = await startServer(
    folder({ current: readFolder(root) }, { onDamage: ({ path }) => damage.push(path) }),
    options,
  );
  context.after(() => server.close());
  return { server, file: join(entry, `${hexOf(digestOf(image.layers[0] ?? Buffer.alloc(0)))}.tar.gz`), damage };
}

/** The same server without the check: it sends what the file holds. For the negative controls. */
async function serveUnchecked(
  context: TestContext,
  image: TestImage,
  file: string,
  options: ServerOptions = {},
): Promise<TestServer> {
  const size = image.layers[0]?.length ?? 0;
  const unchecked: Registry = {
    ...memory(),
    getBlob: async (_, digest) => ({
      descriptor: { mediaType: "application/octet-stream", digest, size },
      range: { start: 0, end: size },
      body: {
        kind: "file",
        fd: openSync(file, "r"),
        path: file,
        identity: "",
        onlyMoved: false,
        offset: 0,
        length: size,
        unchanged: async () => true,
        close: async () => {},
      },
    }),
  };
  const server = await startServer(unchecked, options);
  context.after(() => server.close());
  return server;
}

const blobPath = (digest: Digest): string => `/v2/app/blobs/${digest}`;

/** Fails when the answer is whole and has other bytes than the digest says. */
async function neverWrongAsWhole(
  origin: string,
  digest: Digest,
  headers: Record<string, string> = {},
): Promise<Answer | undefined> {
  let answer: Answer;
  try {
    answer = await ask(origin, "GET", blobPath(digest), { headers });
  } catch {
    return undefined;
  }
  assert.notEqual(answer.status, 206, "a part of what does not match was sent");
  if (answer.status === 200) assert.equal(digestOf(answer.body), digest, "wrong bytes were sent as a whole");
  return answer;
}

describe("a blob whose bytes do not match its digest", () => {
  for (const size of [1000, MIB, MIB + 1, 3 * MIB]) {
    const flip = (image: { layer: Buffer }, file: string): void => {
      const bytes = Buffer.from(image.layer);
      bytes[size - 1] = (bytes[size - 1] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    };

    it(`of ${size} bytes is never sent as a whole, then unknown, and reported once`, async (context) => {
      const image = imageOf(size);
      const { server, file, damage } = await serveFolder(context, image);
      flip(image, file);
      await neverWrongAsWhole(server.origin, image.digest);
      const second = await neverWrongAsWhole(server.origin, image.digest);
      assert.equal(second?.status, 404);
      assert.equal(errorOf(second).code, "BLOB_UNKNOWN");
      assert.equal((await neverWrongAsWhole(server.origin, image.digest, { Range: "bytes=0-9" }))?.status, 404);
      assert.equal((await ask(server.origin, "HEAD", blobPath(image.digest))).status, 404);
      assert.deepEqual(damage, [file]);
    });

    it(`of ${size} bytes is not given in parts either`, async (context) => {
      const image = imageOf(size);
      const { server, file } = await serveFolder(context, image);
      flip(image, file);
      assert.equal((await neverWrongAsWhole(server.origin, image.digest, { Range: "bytes=0-9" }))?.status, 404);
    });

    it(`of ${size} bytes would be sent without the check (control)`, async (context) => {
      const image = imageOf(size);
      const { file } = await serveFolder(context, image);
      flip(image, file);
      const { origin } = await serveUnchecked(context, image, file);
      await assert.rejects(neverWrongAsWhole(origin, image.digest), /wrong bytes were sent as a whole/);
    });
  }

  it("is served again once its file is right", async (context) => {
    const image = imageOf(2 * MIB);
    const { server, file } = await serveFolder(context, image);
    writeFileSync(file, Buffer.alloc(image.layer.length));
    await neverWrongAsWhole(server.origin, image.digest);
    writeFileSync(file, image.layer);
    assert.equal((await neverWrongAsWhole(server.origin, image.digest))?.status, 200);
  });

  it("is found out although the file was given its old times back", async (context) => {
    const image = imageOf(2 * MIB);
    const { server, file } = await serveFolder(context, image);
    assert.equal((await neverWrongAsWhole(server.origin, image.digest))?.status, 200);
    const { atime, mtime } = statSync(file);
    writeFileSync(file, Buffer.alloc(image.layer.length));
    utimesSync(file, atime, mtime);
    await neverWrongAsWhole(server.origin, image.digest);
    assert.equal((await neverWrongAsWhole(server.origin, image.digest))?.status, 404);
  });

  it("because it was cut short or grew is unknown", async (context) => {
    const image = imageOf(2 * MIB);
    const { server, file } = await serveFolder(context, image);
    truncateSync(file, MIB);
    assert.equal((await neverWrongAsWhole(server.origin, image.digest))?.status, 404);
    assert.equal((await ask(server.origin, "HEAD", blobPath(image.digest))).status, 404);
    writeFileSync(file, Buffer.concat([image.layer, image.layer]));
    assert.equal((await neverWrongAsWhole(server.origin, image.digest))?.status, 404);
  });
});

for (const { way, create } of WAYS) {
  describe(`a file that changes while it is sent ${way}`, () => {
    const image = imageOf(64 * MIB);

    /** Asks for the layer, reads a little, lets `change` happen, reads on. */
    const interrupted = async (origin: string, change: () => void): Promise<Buffer | undefined> => {
      const response = await openBlob(origin, image.digest);
      const iterator = response[Symbol.asyncIterator]();
      const chunks: Buffer[] = [(await iterator.next()).value];
      change();
      try {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) chunks.push(next.value);
      } catch {
        return undefined;
      }
      return Buffer.concat(chunks);
    };
    const overwriteEnd = (file: string) => () => {
      const fd = openSync(file, "r+");
      writeSync(fd, Buffer.alloc(1000), 0, 1000, image.layer.length - 1000);
    };

    for (const already of ["the first time", "when it was checked before"]) {
      it(`is never a whole of two files, ${already}`, async (context) => {
        const { server, file } = await serveFolder(context, image, { transfers: create() });
        if (already !== "the first time") await ask(server.origin, "GET", blobPath(image.digest));
        assert.equal(await interrupted(server.origin, overwriteEnd(file)), undefined);
      });

      it(`is never a whole when it is cut, ${already}`, async (context) => {
        const { server, file } = await serveFolder(context, image, { transfers: create() });
        if (already !== "the first time") await ask(server.origin, "GET", blobPath(image.digest));
        assert.equal(await interrupted(server.origin, () => truncateSync(file, 50 * MIB)), undefined);
      });
    }

    it("would be a whole of two files without the check (control)", async (context) => {
      const { file } = await serveFolder(context, image, { transfers: create() });
      const { origin } = await serveUnchecked(context, image, file, { transfers: create() });
      const received = await interrupted(origin, overwriteEnd(file));
      assert.ok(received);
      assert.notEqual(digestOf(received), image.digest);
    });

    it("and is deleted is sent to its end, and then unknown", async (context) => {
      const { server, file } = await serveFolder(context, image, { transfers: create() });
      const received = await interrupted(server.origin, () => rmSync(join(file, ".."), { recursive: true }));
      assert.ok(received);
      assert.equal(digestOf(received), image.digest);
      const gone = await ask(server.origin, "GET", blobPath(image.digest));
      assert.equal(gone.status, 404);
      assert.equal(errorOf(gone).code, "BLOB_UNKNOWN");
      assert.equal((await ask(server.origin, "HEAD", blobPath(image.digest))).status, 404);
    });
  });

  describe(`a client that goes in the middle of what is sent ${way}`, () => {
    const image = imageOf(16 * MIB);
    for (const already of ["of the first transfer", "of a later one"]) {
      it(`${already} leaves nothing open, and is no fault that anybody is told`, async (context) => {
        const faults: string[] = [];
        const onError = (error: unknown): void => void faults.push(String(error));
        const { server, file } = await serveFolder(context, image, { transfers: create(), onError });
        if (already !== "of the first transfer") await ask(server.origin, "GET", blobPath(image.digest));
        for (let client = 0; client < 20; client++) {
          const response = await openBlob(server.origin, image.digest);
          await once(response, "readable");
          response.destroy();
        }
        await until(() => !openFiles().includes(file), "the file is closed");
        assert.equal((await ask(server.origin, "GET", blobPath(image.digest))).status, 200);
        assert.deepEqual(faults, []);
      });
    }

    it("or asks only for the headers leaves nothing open", async (context) => {
      const { server, file } = await serveFolder(context, image, { transfers: create() });
      for (let client = 0; client < 20; client++) await ask(server.origin, "HEAD", blobPath(image.digest));
      await until(() => !openFiles().includes(file), "the file is closed");
    });
  });
}

describe("the server", () => {
  it("goes on with a connection after it has refused a manifest that is too large", async (context) => {
    const registry = memory();
    const server = await startServer(registry);
    context.after(() => server.close());
    await pushImage(registry, testImage("app", "1.0", ["x"]));
    const { server: readOnly } = await serveFolder(context, imageOf(1000));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    const statusOf = async ({ port }: TestServer, method: string, body?: Buffer): Promise<number> => {
      const options = { hostname: "127.0.0.1", port, path: "/v2/app/manifests/1.0", method, agent };
      const request = httpRequest(options);
      request.end(body);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      await readAll(response);
      return response.statusCode ?? 0;
    };
    assert.equal(await statusOf(server, "PUT", Buffer.alloc(9 * MIB)), 413);
    assert.equal(await statusOf(server, "GET"), 200);
    assert.equal(await statusOf(readOnly, "PUT", Buffer.alloc(9 * MIB)), 405);
    assert.equal(await statusOf(readOnly, "GET"), 200);
  });

  it("answers beside 1,000 idle connections", async (context) => {
    const { server } = await serveFolder(context, imageOf(1000));
    const idle: Socket[] = [];
    context.after(() => {
      for (const socket of idle) socket.destroy();
    });
    for (let count = 0; count < 1000; count++) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      idle.push(socket);
    }
    assert.equal((await ask(server.origin, "GET", "/v2/app/manifests/1.0")).status, 200);
  });

  for (const [title, sent, status] of [
    ["garbage", "\x16\x03\x01 this is no HTTP\r\n\r\n", 400],
    ["two Host headers", "GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["no Host header", "GET /v2/ HTTP/1.1\r\n\r\n", 400],
    [
      "a length and chunks",
      "PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["headers of 20 KiB", `GET /v2/ HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["an expectation", "GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: foo\r\n\r\n", 417],
    ["headers that never end", "GET /v2/ HTTP/1.1\r\nHost: a\r\nX: ", 408],
    ["CONNECT", "CONNECT registry.example:443 HTTP/1.1\r\nHost: registry.example:443\r\n\r\n", 405],
  ] as const) {
    it(`answers ${title} with ${status} in OCI JSON and hangs up`, async (context) => {
      const { server } = await serveFolder(context, imageOf(1000));
      // The real limit is 10 s; checked every 2 s.
      server.server.headersTimeout = 100;
      const socket = connect(server.port, "127.0.0.1");
      socket.write(sent, "latin1");
      const answer = (await readAll(socket)).toString();
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(answer, /content-type: application\/json/i);
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      assert.equal(JSON.parse(body).errors[0].code, "UNSUPPORTED");
    });
  }

  for (const [title, rest, answered] of [
    ["garbage", "\x16\x03\x01 this is no HTTP\r\n\r\n", true],
    ["a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", false],
    [
      "a body of broken chunks",
      "PUT /v2/app/manifests/1.0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      false,
    ],
  ] as const) {
    it(`never puts its answer to ${title} into a blob that it is sending`, async (context) => {
      const image = imageOf(16 * MIB);
      const { server } = await serveFolder(context, image);
      const socket = connect(server.port, "127.0.0.1");
      socket.write(`GET ${blobPath(image.digest)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await once(socket, "readable");
      socket.write(rest, "latin1");
      const received = await readAll(socket);
      const start = received.indexOf("\r\n\r\n") + 4;
      const body = received.subarray(start, start + image.layer.length);
      assert.ok(body.equals(image.layer.subarray(0, body.length)), "something else is in the blob");
      const last = received.subarray(start + image.layer.length).toString();
      if (answered) assert.match(last, /^HTTP\/1\.1 400 .*"UNSUPPORTED"/s);
    });
  }

  it("says nothing to what comes after the last request of a connection", async (context) => {
    const image = imageOf(1000);
    const { server } = await serveFolder(context, image);
    for (const request of ["DELETE /v2/AAA", "GET /v2/app/manifests/1.0"]) {
      const socket = connect(server.port, "127.0.0.1");
      socket.write(`${request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nnull`);
      const answers = (await readAll(socket)).toString().match(/HTTP\/1\.1 \d+/g);
      assert.equal(answers?.length, 1, `${request}: ${answers}`);
    }
  });

  it("writes nothing to the log when a client goes in the middle of its push", async (context) => {
    const errors: unknown[] = [];
    const server = await startServer(memory(), { onError: (error) => errors.push(error) });
    context.after(() => server.close());
    for (const request of [
      "PUT /v2/app/manifests/1.0",
      `POST /v2/app/blobs/uploads/?digest=${digestOf(Buffer.alloc(0))}`,
    ]) {
      const socket = connect(server.port, "127.0.0.1");
      const asked = once(server.server, "request") as Promise<[IncomingMessage]>;
      socket.write(`${request} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{`);
      const [incoming] = await asked;
      socket.destroy();
      await new Promise((resolve) => incoming.once("close", resolve));
    }
    assert.equal((await ask(server.origin, "GET", "/v2/")).status, 200);
    assert.deepEqual(errors, []);
  });

  it("answers 503 when no more files can be opened, and recovers", async (context) => {
    const root = temporaryFolder(context);
    // A file that several ask for is open once, so each asks for another one.
    const names = Array.from({ length: 180 }, (_, index) => String(index));
    const layers = names.map(() => randomBytes(100_000));
    for (const layer of layers) layer.set([0x1f, 0x8b]);
    writeExport(root, { ...testImage("app", "1.0", names), layers });
    const digests = layers.map((layer) => digestOf(layer));
    const [first = digestOf(Buffer.alloc(0))] = digests;
    const command = `ulimit -n 160; exec "${process.execPath}" "${PROGRAM}" serve "${root}" --port 0`;
    const child = spawn("sh", ["-c", command], { cwd: projectRoot(), stdio: ["ignore", "pipe", "ignore"] });
    context.after(() => child.kill("SIGKILL"));
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const [origin = ""] = /http:\/\/localhost:\d+/.exec(line.toString()) ?? [];
    const loopback = origin.replace("localhost", "127.0.0.1");
    // Each takes a descriptor for its connection before any has one for its file; some connections are refused.
    const crowd = async (): Promise<Answer[]> => {
      const asked = digests.map((digest) => ask(loopback, "GET", blobPath(digest)));
      const settled = await Promise.allSettled(asked);
      return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    };
    const checked = (answer: Answer): boolean => {
      if (answer.status === 200) assert.equal(digestOf(answer.body), answer.headers["docker-content-digest"]);
      else assert.deepEqual([answer.status, errorOf(answer).code], [503, "UNAVAILABLE"]);
      return answer.status === 503;
    };
    await until(async () => (await crowd()).filter(checked).length > 0, "it runs out of files");
    await until(
      async () => (await ask(loopback, "GET", blobPath(first)).catch(() => undefined))?.status === 200,
      "it recovers",
    );
  });
});

/** The paths of the files that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

async function openBlob(origin: string, digest: Digest): Promise<IncomingMessage> {
  const { hostname, port } = new URL(origin);
  const request = httpRequest({ hostname, port, path: blobPath(digest), agent: false });
  // A connection that breaks while nobody reads is what these tests are about.
  request.on("error", () => {});
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => {});
  return response;
}
