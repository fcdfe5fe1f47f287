import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, request as createRequest, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createServer, type ServerOptions } from "../api/server.ts";
import { complete } from "../registry/complete.ts";
import { readAll } from "../registry/content.ts";
import { digestOf } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { memory } from "../registry/store/memory.ts";
import { type Subject, testRegistry } from "./contract.ts";
import type { Cleanup } from "./support/cleanup.ts";
import { pushImage, type TestImage, temporaryFolder, testImage } from "./support/images.ts";
import { remote } from "./support/remote.ts";
import { ask, errorOf, startServer, type TestServer } from "./support/server.ts";

const HELLO = testImage("hello", "1.0", ["one"]);

/** A server that passes on what it gets, in front of one that listens on a socket. */
async function inFront(cleanup: Cleanup, behind: Server, registry: Registry, options: ServerOptions = {}) {
  const socketPath = join(temporaryFolder(cleanup), "socket");
  behind.listen(socketPath);
  await once(behind, "listening");
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const front = await startServer(registry, { ...options, forwardTo: socketPath, onError });
  return { ...front, errors, socketPath };
}

async function forwarded(
  context: TestContext,
  behind: Server,
  options: ServerOptions = {},
): Promise<TestServer & { errors: unknown[] }> {
  const front = await inFront(context, behind, complete({}, "nothing is read here"), options);
  context.after(async () => {
    behind.closeAllConnections();
    behind.close();
    await front.close();
  });
  return front;
}

testRegistry(
  "a server in front of another one",
  async (images: readonly TestImage[]): Promise<Subject> => {
    const registry = memory();
    for (const image of images) await pushImage(registry, image);
    const removing: (() => void)[] = [];
    const behind = await createServer(registry, { isBehind: true });
    const front = await inFront({ after: (remove) => void removing.push(remove) }, behind, registry);
    return {
      registry: remote(front.origin),
      close: async () => {
        await front.close();
        behind.close();
        behind.closeAllConnections();
        for (const remove of removing) remove();
      },
    };
  },
  { writable: true },
);

describe("a request that is passed on", () => {
  it("gets the same answer as if it had not been", async (context) => {
    const registry = memory();
    await pushImage(registry, HELLO);
    const direct = await startServer(registry);
    context.after(() => direct.close());
    const front = await forwarded(context, await createServer(registry, { isBehind: true }));
    const wanted: readonly [string, string, Uint8Array?][] = [
      ["GET", "/v2/"],
      ["HEAD", "/v2/"],
      ["GET", "/v2"],
      ["GET", "/v2/_catalog?n=1"],
      ["GET", "/v2/hello/tags/list"],
      ["GET", "/v2/nobody/tags/list"],
      ["GET", `/v2/hello/referrers/${HELLO.manifest.descriptor.digest}`],
      ["PUT", "/v2/hello/manifests/2.0", Buffer.from("no manifest")],
      ["PUT", "/v2/hello/manifests/2.0", Buffer.alloc(5 * 1024 * 1024)],
      ["PATCH", "/v2/hello/blobs/uploads/none", Buffer.alloc(5 * 1024 * 1024)],
      ["DELETE", "/v2/hello/manifests/none"],
      ["POST", "/v2/hello/manifests/none"],
      ["GET", "/v2/hello/tags/list?n=many"],
      ["GET", "/v2/%ff/tags/list"],
      ["GET", "/v2/hello/nothing"],
      ["PUT", "/v2/hello/nothing", Buffer.alloc(5 * 1024 * 1024)],
      ["PUT", `/v2/hello/blobs/${HELLO.manifest.descriptor.digest}`, Buffer.alloc(5 * 1024 * 1024)],
      ["GET", "/"],
      ["GET", "/openapi.json"],
      ["GET", "/nothing%2Fhere?at=all"],
    ];
    for (const [method, path, body] of wanted) {
      const options = { headers: body ? { "Content-Length": `${body.length}` } : {}, ...(body ? { body } : {}) };
      const [plain, passed] = [
        await ask(direct.origin, method, path, options),
        await ask(front.origin, method, path, options),
      ];
      for (const { headers } of [plain, passed]) delete headers.date;
      assert.deepEqual(passed, plain, `${method} ${path}`);
    }
    assert.deepEqual(front.errors, []);
  });

  it("gets the same answer also as HTTP/1.0 without Host, as load balancers ask", async (context) => {
    const direct = await startServer(memory());
    context.after(() => direct.close());
    const front = await forwarded(context, await createServer(memory(), { isBehind: true }));
    const answerOf = async (port: number, path: string): Promise<string> => {
      const socket = connect(port, "127.0.0.1");
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
      return (await readAll(socket)).toString().replace(/\r\nDate: [^\r]*/, "");
    };
    for (const path of ["/v2/", "/v2/_catalog", "/livez", "/docs/"]) {
      const plain = await answerOf(direct.port, path);
      assert.match(plain, /^HTTP\/1\.1 200 /);
      assert.equal(await answerOf(front.port, path), plain);
    }
  });

  it("says who asks, and believes no client that says so itself", async (context) => {
    const clients: (string | undefined)[] = [];
    const registry: Registry = {
      ...memory(),
      startUpload: (repository, { client } = {}) => {
        clients.push(client);
        return memory().startUpload(repository);
      },
    };
    const front = await forwarded(context, await createServer(registry, { isBehind: true }));
    const headers = { "ociregistry-client": "10.0.0.1" };
    await ask(front.origin, "POST", "/v2/hello/blobs/uploads/", { headers });
    const direct = await startServer(registry);
    context.after(() => direct.close());
    await ask(direct.origin, "POST", "/v2/hello/blobs/uploads/", { headers });
    assert.deepEqual(clients, ["127.0.0.1", "127.0.0.1"]);
  });

  it("is 503 when nobody is there to answer, and is answered when somebody is there again", async (context) => {
    const registry = memory();
    const behind = await createServer(registry, { isBehind: true });
    const { origin, socketPath, errors, close } = await inFront(context, behind, registry);
    context.after(close);
    assert.equal((await ask(origin, "GET", "/v2/_catalog")).status, 200);
    behind.close();
    behind.closeAllConnections();
    const refused = await ask(origin, "PUT", "/v2/hello/manifests/1.0", { body: Buffer.alloc(1024) });
    assert.equal(refused.status, 503);
    assert.equal(errorOf(refused).code, "UNAVAILABLE");
    assert.equal(errors.length, 1);
    assert.equal((await ask(origin, "GET", "/v2/")).status, 200);
    const again = await createServer(registry, { isBehind: true });
    context.after(() => again.close());
    again.listen(socketPath);
    await once(again, "listening");
    assert.equal((await ask(origin, "GET", "/v2/_catalog")).status, 200);
    again.closeAllConnections();
  });

  it("breaks off when its answer does", async (context) => {
    const broken = createHttpServer((_request, response) => {
      response.writeHead(200, { "Content-Length": "1000" });
      response.write("not all of it", () => response.destroy());
    });
    const front = await forwarded(context, broken);
    await assert.rejects(ask(front.origin, "GET", "/v2/_catalog"));
  });

  it("breaks off when its client does", async (context) => {
    let heard = (_: string): void => {};
    const outcome = new Promise<string>((resolve) => {
      heard = resolve;
    });
    const behind = createHttpServer((request) => {
      request.on("data", () => {});
      request.on("error", () => heard("broken off")).on("end", () => heard("taken for the whole"));
    });
    const front = await forwarded(context, behind);
    const socket = connect(front.port, "127.0.0.1");
    socket.write("PATCH /v2/hello/blobs/uploads/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome of it");
    await once(behind, "request");
    socket.destroy();
    assert.equal(await outcome, "broken off");
  });

  it("may be answered before it has been sent", async (context) => {
    const behind = createHttpServer((_request, response) => response.writeHead(413).end("too much"));
    const front = await forwarded(context, behind);
    const request = createRequest({ port: front.port, method: "PUT", path: "/v2/hello/manifests/1", agent: false });
    request.on("error", () => {});
    request.write(Buffer.alloc(1024));
    const [response] = await once(request, "response");
    assert.equal(response.statusCode, 413);
    request.destroy();
  });

  it("lets a client that is still sending read its refusal, and does not pass on what nobody takes", async (context) => {
    let received = 0;
    const behind = createHttpServer((request, response) => {
      request.on("data", (bytes) => {
        received += bytes.length;
      });
      response.writeHead(404, { "Content-Length": "4" }).write("none");
    });
    const front = await forwarded(context, behind);
    const [sent, rest] = [Buffer.alloc(1024), Buffer.alloc(8 * 1024 * 1024)];
    const socket = connect(front.port, "127.0.0.1");
    const head = `PATCH /v2/hello/blobs/uploads/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${sent.length + rest.length}`;
    socket.write(`${head}\r\n\r\n`);
    socket.write(sent);
    assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1.1 404 /);
    // Rejects when the connection has been closed on what is still coming.
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject).on("close", () => resolve());
      socket.resume().write(rest);
    });
    assert.equal(received, sent.length);
  });

  it("is cut when it stalls, by the process that the client is connected to", async (context) => {
    const behind = await createServer(memory(), { isBehind: true, stallLimit: 0 });
    const front = await forwarded(context, behind, { stallLimit: 200 });
    const { location = "" } = (await ask(front.origin, "POST", "/v2/hello/blobs/uploads/")).headers;
    const socket = connect(front.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome of it`);
    await once(socket, "close");
    assert.deepEqual([answer, front.errors], ["", []]);
  });

  it("has no body when its client sent none", async (context) => {
    const bodies: [string | undefined, string | undefined][] = [];
    const behind = createHttpServer(({ headers }, response) => {
      bodies.push([headers["content-length"], headers["transfer-encoding"]]);
      response.end();
    });
    const front = await forwarded(context, behind);
    const socket = connect(front.port, "127.0.0.1");
    socket.write("POST /v2/hello/blobs/uploads/ HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    assert.deepEqual(bodies, [["0", undefined]]);
  });

  it("may have a body of any length, which arrives as it is", async (context) => {
    const blob = Buffer.alloc(8 * 1024 * 1024, "some bytes ");
    const front = await forwarded(context, await createServer(memory(), { isBehind: true }));
    for (const headers of [{ "Content-Length": `${blob.length}` }, { "Transfer-Encoding": "chunked" }]) {
      const digest = digestOf(blob);
      const path = `/v2/hello/blobs/uploads/?digest=${digest}`;
      const pushed = await ask(front.origin, "POST", path, {
        headers: { ...headers, Expect: "100-continue" },
        body: blob,
      });
      assert.deepEqual([pushed.status, pushed.headers["docker-content-digest"]], [201, digest]);
    }
  });
});
