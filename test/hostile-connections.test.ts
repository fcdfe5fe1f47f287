import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { listen } from "../cmd/listen.ts";
import { memory } from "../registry/store/memory.ts";
import { type Serving, startServing, startServingWith } from "./support/command.ts";
import { connection, requestLine } from "./support/flood.ts";
import { pushImage, temporaryFolder, testImage } from "./support/images.ts";
import { cannotMeasure, descriptorsOf, peakOf } from "./support/process.ts";
import { remote } from "./support/remote.ts";
import { ask, startServer } from "./support/server.ts";
import { until } from "./support/until.ts";

const IMAGE = testImage("app", "1", ["layer"]);
const MANIFEST = "/v2/app/manifests/1";
const HALF = "GET /v2/app/manifests/1 HTTP/1.1\r\nHost: a\r\nAccept: ";

async function served(context: TestContext, start: typeof startServing): Promise<Serving> {
  const serving = await start(context, temporaryFolder(context), "--data", temporaryFolder(context));
  await pushImage(remote(serving.origin), IMAGE);
  return serving;
}

const isServed = ({ origin }: Serving): Promise<boolean> =>
  ask(origin, "GET", MANIFEST).then(
    ({ body }) => body.equals(Buffer.from(IMAGE.manifest.bytes)),
    () => false,
  );

describe("ten thousand connections", { skip: cannotMeasure() || tooFew() }, () => {
  it("with half a request each are cut, take little memory, and others are served meanwhile", async (context) => {
    const serving = await served(context, startServing);
    let closed = 0;
    const { memory: peak } = await peakOf(serving.pid, async () => {
      for (let count = 0; count < 10_000; count++) {
        const socket = connection(context, serving.port).once("close", () => closed++);
        socket.resume().write(HALF);
      }
      await until(async () => {
        assert.ok(await isServed(serving));
        return closed === 10_000;
      }, "they are cut");
    });
    assert.ok(peak <= 180, `${peak} MiB`);
    await until(() => descriptorsOf(serving.pid) < 50, "the server has closed them, too");
    assert.equal(serving.errors(), "");
  });
});

/** Both ends are files, and this process has one of them. */
function tooFew(): string | false {
  const { userLimits } = process.report.getReport() as unknown as { userLimits: { open_files: { soft: unknown } } };
  const { soft } = userLimits.open_files;
  return soft === "unlimited" || Number(soft) > 10_500 ? false : `a process may have only ${soft} files open`;
}

describe("a server that may open few files", { skip: cannotMeasure() }, () => {
  it("survives more connections than that, and serves again when they are gone", async (context) => {
    const serving = await served(context, (...args) => startServingWith(100, ...args));
    const sockets = Array.from({ length: 1000 }, () => connection(context, serving.port));
    for (const socket of sockets) socket.resume().write(HALF);
    await until(() => descriptorsOf(serving.pid) >= 99, "no descriptor is left");
    await until(() => isServed(serving), "it serves again");
    assert.equal(serving.child.exitCode, null);
  });

  it("survives when it cannot even turn a connection away", async (context) => {
    const { server } = await startServerOfNothing(context);
    assert.ok(server.emit("error", noDescriptor()));
    assert.throws(() => createServer().emit("error", noDescriptor()), { code: "EMFILE" }, "as others do (control)");
  });
});

const noDescriptor = (): Error => Object.assign(new Error("accept EMFILE"), { code: "EMFILE" });

async function startServerOfNothing(context: TestContext) {
  const server = createServer();
  const listening = await listen(server, { host: "127.0.0.1", port: 0 });
  context.after(() => listening.close());
  return { server };
}

describe("a connection", { concurrency: true }, () => {
  for (const [what, sent] of [
    ["that sends nothing", ""],
    ["with half a request", HALF],
    ["with half of a second request", `${requestLine("GET", "/v2/")}${HALF}`],
  ] as const) {
    it(`${what} is cut`, async (context) => {
      const guarded = await startServer(memory());
      const patient = await startServer(memory());
      context.after(() => Promise.all([guarded.close(), patient.close()]));
      patient.server.headersTimeout = 0;
      const [cut, kept] = [guarded, patient].map(({ port }) => connection(context, port).resume());
      assert.ok(cut && kept);
      await Promise.all([once(cut, "connect"), once(kept, "connect")]);
      cut.write(sent);
      kept.write(sent);
      await once(cut, "close");
      assert.equal(kept.closed, false, "without the limit it would be there (control)");
    });
  }
});
