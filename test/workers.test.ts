import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, statSync } from "node:fs";
import { Agent, request as createRequest, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readAll } from "../registry/content.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import { runCommand, runCommandWith, type Serving } from "./support/command.ts";
import { pushBlob, pushImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { readMetrics, requests } from "./support/metrics.ts";
import { serveData, serveDataAgain } from "./support/serve-data.ts";
import { ask } from "./support/server.ts";
import { until } from "./support/until.ts";

const COUNT = 2;
const DROPPED = testImage("dropped", "1.0", ["dropped"]);
const IMAGES = ["one", "two", "three"].map((text) => testImage("team/app", "1.0", [text]));
const [ONE, TWO, THREE] = IMAGES as [(typeof IMAGES)[0], (typeof IMAGES)[0], (typeof IMAGES)[0]];

const serve = (context: TestContext, ...args: string[]) =>
  serveData(context, [DROPPED], "--workers", `${COUNT}`, ...args);

/** A connection of its own: connections, and not requests, are shared out among the workers. */
class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(context: TestContext, { port }: Serving) {
    this.#port = port;
    context.after(() => this.#agent.destroy());
  }

  async get(path: string): Promise<{ status: number | undefined; body: Buffer; digest: unknown }> {
    const request = createRequest({ port: this.#port, host: "127.0.0.1", path, agent: this.#agent });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const { statusCode: status, headers } = response;
    return { status, body: await readAll(response), digest: headers["docker-content-digest"] };
  }
}

/** So many that each worker has some. */
const connections = (context: TestContext, serving: Serving): Connection[] =>
  Array.from({ length: COUNT * 3 }, () => new Connection(context, serving));

/** The processes that a server has started. */
function workersOf({ pid }: Serving): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  // To the number 0 a signal would go that ends whoever sends it.
  return readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Stops a process until the test is over; what is stopped does not see that it is alone. */
function hang(context: TestContext, pid: number): void {
  process.kill(pid, "SIGSTOP");
  context.after(() => signal(pid, "SIGCONT"));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** Where a server listens to its workers. */
function socketOf({ pid }: Serving): string {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  const own = namedSockets().find(({ inode, path }) => open.has(`socket:[${inode}]`) && path.endsWith("/socket"));
  if (!own) throw new Error("It has no socket for its workers");
  return own.path;
}

/** Undefined for what was closed since it was listed. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** All of this machine that have a path, also those that wait to be accepted. */
const namedSockets = (): { readonly inode: string; readonly path: string }[] =>
  readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/ +/))
    .flatMap(([, , , , , , inode = "", path]) => (path === undefined ? [] : [{ inode, path }]));

/** The one that listens, and the ends of connections to it. */
const endsAt = (socket: string): number => namedSockets().filter(({ path }) => path === socket).length;

const isLinux = existsSync("/proc/self/task");
const needsProc = isLinux ? {} : { skip: "looks for the workers in /proc" };
const hasRoom =
  isLinux && Number(readFileSync("/proc/sys/net/core/somaxconn")) >= 1024 ? {} : { skip: "no long queue here" };

describe("ociregistry serve --workers", () => {
  it("answers out of all of them what is dropped in, pushed, moved and deleted, as soon as it is", async (context) => {
    const served = await serve(context);
    const all = connections(context, served);
    const seen = async (path: string) => {
      const answers = await Promise.all(all.map((connection) => connection.get(path)));
      return [...new Set(answers.map(({ status, digest }) => digest ?? status))];
    };
    assert.equal((await seen("/v2/dropped/manifests/1.0")).length, 1);
    assert.deepEqual(await seen("/v2/team/app/manifests/1.0"), [404]);
    for (const image of [ONE, TWO, THREE, ONE]) {
      await pushImage(served.registry, image);
      assert.deepEqual(await seen("/v2/team/app/manifests/1.0"), [image.manifest.descriptor.digest]);
    }
    const { digest } = TWO.manifest.descriptor;
    assert.deepEqual(await seen(`/v2/team/app/manifests/${digest}`), [digest]);
    await served.registry.deleteManifest("team/app", digest);
    assert.deepEqual(await seen(`/v2/team/app/manifests/${digest}`), [404]);
    const blob = await pushBlob(served.registry, "team/app", Buffer.alloc(200_000, "in a file"));
    assert.deepEqual(await seen(`/v2/team/app/blobs/${blob}`), [blob]);
    await served.registry.deleteBlob("team/app", blob);
    assert.deepEqual(await seen(`/v2/team/app/blobs/${blob}`), [404]);
    await served.registry.deleteTag("team/app", parseTag("1.0"));
    assert.deepEqual(await seen("/v2/team/app/manifests/1.0"), [404]);
  });

  it("shows a tag that moves under readers never as it was before the last answer", async (context) => {
    const served = await serve(context, "--no-sync");
    for (const image of IMAGES) await pushImage(served.registry, image);
    const order = Array.from({ length: 60 }, (_, index) => IMAGES[index % IMAGES.length] ?? ONE);
    /** How many moves have been acknowledged, and begun. */
    let acknowledged = 0;
    let begun = 0;
    let isOver = false;
    const indexOf = (digest: unknown, from: number, to: number): boolean =>
      order.slice(Math.max(from - 1, 0), to).some(({ manifest }) => manifest.descriptor.digest === digest);
    const reader = async (connection: Connection): Promise<void> => {
      while (!isOver) {
        const before = acknowledged;
        const { digest } = await connection.get("/v2/team/app/manifests/1.0");
        if (before > 0) assert.ok(indexOf(digest, before, begun), `${digest} after ${before} moves of ${begun}`);
      }
    };
    const reading = connections(context, served).map(reader);
    for (const { manifest } of order) {
      begun++;
      const { mediaType } = manifest.descriptor;
      await served.registry.pushManifest("team/app", { mediaType, bytes: manifest.bytes }, [parseTag("1.0")]);
      acknowledged++;
    }
    isOver = true;
    await Promise.all(reading);
  });

  it("serves an image that is put into the folder, in all of its parts, wherever a client asks", async (context) => {
    const served = await serve(context);
    const image = testImage("late", "1.0", ["a layer", "another"]);
    const all = connections(context, served);
    for (const connection of all) assert.equal((await connection.get("/v2/late/manifests/1.0")).status, 404);
    writeExport(served.folder, image);
    const [first] = all as [Connection];
    while ((await first.get("/v2/late/manifests/1.0")).status !== 200);
    for (const connection of all) {
      assert.equal((await connection.get("/v2/late/manifests/1.0")).digest, image.manifest.descriptor.digest);
      for (const blob of [image.config, ...image.layers]) {
        assert.deepEqual((await connection.get(`/v2/late/blobs/${digestOf(blob)}`)).body, blob);
      }
    }
  });

  it("goes on when one of them is killed, and has another in its place", needsProc, async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, ONE);
    const [victim = 0, ...others] = workersOf(served);
    assert.equal(others.length, COUNT - 1);
    process.kill(victim, "SIGKILL");
    // What changes while the new one is starting is nothing that it could know.
    for (const image of [TWO, THREE]) {
      while (
        !(await pushImage(served.registry, image).then(
          () => true,
          () => false,
        ))
      );
    }
    while (workersOf(served).length < COUNT || workersOf(served).includes(victim)) {
      const answer = await ask(served.origin, "GET", "/v2/team/app/manifests/1.0").catch(() => undefined);
      assert.equal(answer?.status ?? 200, 200);
    }
    for (const connection of connections(context, served)) {
      const { digest } = await connection.get("/v2/team/app/manifests/1.0");
      assert.equal(digest, THREE.manifest.descriptor.digest);
    }
    assert.match(served.errors(), /^ociregistry: a worker ended \(SIGKILL\); another one takes its place\n$/);
  });

  it(
    "has one that answers in the place of one that was killed, also on a port that it chose",
    needsProc,
    async (context) => {
      const served = await serve(context);
      const [victim = 0, ...others] = workersOf(served);
      process.kill(victim, "SIGKILL");
      await until(
        () => workersOf(served).length === COUNT && !workersOf(served).includes(victim),
        "another was started",
      );
      // From here on only the new one can accept a connection.
      for (const pid of others) hang(context, pid);
      const answered = ask(served.origin, "GET", "/v2/dropped/manifests/1.0");
      await Promise.race([answered, until(() => served.errors().split("\n").length > 2, "another one ended")]);
      assert.equal(served.errors(), "ociregistry: a worker ended (SIGKILL); another one takes its place\n");
      assert.equal((await answered).status, 200);
    },
  );

  it("ends one that hangs, before it acknowledges what that one would not have known", needsProc, async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, ONE);
    const all = connections(context, served);
    for (const connection of all) await connection.get("/v2/team/app/manifests/1.0");
    const [victim = 0] = workersOf(served);
    hang(context, victim);
    // Those that the one that hangs has accepted are not answered.
    await Promise.any(all.map(() => pushImage(served.registry, TWO)));
    assert.equal(workersOf(served).includes(victim), false);
  });

  it(
    "answers that the data is gone when the process that has it is killed, by ending, too",
    needsProc,
    async (context) => {
      const served = await serve(context);
      const workers = workersOf(served);
      served.child.kill("SIGKILL");
      await until(() => !workers.some((pid) => existsSync(`/proc/${pid}`)), "they have ended");
      await assert.rejects(ask(served.origin, "GET", "/v2/"));
      const again = await serveDataAgain(context, served);
      assert.equal((await ask(again.origin, "GET", "/v2/")).status, 200);
    },
  );

  it("lets transfers finish on SIGTERM, exits with 0 and leaves no process", needsProc, async (context) => {
    const served = await serve(context);
    const blob = Buffer.alloc(64 * 1024 * 1024, "a large one ");
    const digest = await pushBlob(served.registry, "team/app", blob);
    const workers = workersOf(served);
    const request = createRequest({
      port: served.port,
      host: "127.0.0.1",
      path: `/v2/team/app/blobs/${digest}`,
      agent: false,
    });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const exited = once(served.child, "exit");
    served.child.kill("SIGTERM");
    assert.equal(digestOf(await readAll(response)), digest);
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(
      workers.filter((pid) => existsSync(`/proc/${pid}`)),
      [],
    );
  });

  it("ends one that hangs on SIGTERM, too", needsProc, async (context) => {
    const served = await serve(context);
    const workers = workersOf(served);
    const [victim = 0] = workers;
    hang(context, victim);
    const exited = once(served.child, "exit");
    served.child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
    await until(() => !workers.some((pid) => existsSync(`/proc/${pid}`)), "they have ended");
  });

  it("leaves none that hangs behind when it is told twice to stop", needsProc, async (context) => {
    const served = await serve(context);
    const workers = workersOf(served);
    const [victim = 0, ...others] = workers;
    hang(context, victim);
    const exited = once(served.child, "exit");
    served.child.kill("SIGTERM");
    await until(() => !others.some((pid) => existsSync(`/proc/${pid}`)), "it is stopping");
    served.child.kill("SIGTERM");
    assert.deepEqual(await exited, [1, null]);
    await until(() => !existsSync(`/proc/${victim}`), "it has ended");
  });

  it("says why none can take the place of one that ended, and tries again", needsProc, async (context) => {
    const served = await serve(context);
    let other = createServer();
    context.after(() => other.close());
    // As soon as nobody listens any more.
    await until(async () => {
      for (const pid of workersOf(served)) signal(pid, "SIGKILL");
      other = createServer().listen(served.port, "127.0.0.1");
      return once(other, "listening").then(
        () => true,
        () => false,
      );
    }, "somebody else has the port");
    const reason = `port ${served.port} is in use; choose another with --port\n`;
    await until(() => served.errors().includes(reason), "it says so");
    other.close();
    await until(
      () =>
        ask(served.origin, "GET", "/v2/").then(
          ({ status }) => status === 200,
          () => false,
        ),
      "it answers",
    );
  });

  it("says once that the port is taken", async (context) => {
    const other = createServer().listen(0, "127.0.0.1");
    context.after(() => other.close());
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { code, err } = await runCommand("serve", temporaryFolder(context), "--port", `${port}`, "--workers", "2");
    assert.equal(err, `ociregistry: port ${port} is in use; choose another with --port\n`);
    assert.equal(code, 2);
  });

  it("says that there is no place for its socket", async (context) => {
    const variables = { TMPDIR: join(temporaryFolder(context), "nothing") };
    const folder = temporaryFolder(context);
    const { code, err } = await runCommandWith(variables, "serve", folder, "--port", "0", "--workers", "2");
    assert.match(err, /^ociregistry: --workers cannot make a socket in .*ENOENT.*; set TMPDIR to another folder\n$/);
    assert.equal(code, 2);
  });

  it("replaces one that ended also while the folder of archives cannot be had", needsProc, async (context) => {
    const served = await serve(context, "--proxy-sends-blobs", "nginx");
    await pushImage(served.registry, ONE);
    renameSync(served.folder, `${served.folder}.away`);
    const victims = workersOf(served);
    for (const victim of victims) signal(victim, "SIGKILL");
    const path = "/v2/team/app/manifests/1.0";
    await until(
      () =>
        ask(served.origin, "GET", path).then(
          ({ status }) => status === 200,
          () => served.errors().split("a worker ended").length > COUNT + 1,
        ),
      "it answers, or another one ended",
    );
    assert.equal((await ask(served.origin, "GET", path)).status, 200);
    assert.equal(served.errors().split("a worker ended").length, COUNT + 1);
  });

  it("serves its documents and health like one process", async (context) => {
    const { origin } = await serve(context);
    for (const path of ["/", "/livez", "/readyz", "/docs/", "/openapi.json"]) {
      assert.equal((await ask(origin, "GET", path)).status, 200, path);
    }
  });

  it("writes one access log, of whole lines, and all of them before it ends", async (context) => {
    const served = await serve(context, "--access-log");
    const all = connections(context, served);
    const agent = "a".repeat(200);
    const path = (index: number, time: number): string => `/v2/dropped/manifests/1.0?from=${index}-${time}-${agent}`;
    const asking = all.map(async (connection, index) => {
      for (let time = 0; time < 50; time++) await connection.get(path(index, time));
    });
    await Promise.all(asking);
    const ended = once(served.child.stdout ?? served.child, "end");
    served.child.kill("SIGTERM");
    await ended;
    const [, ...lines] = served.output().trim().split("\n");
    const urls = lines.map((line) => JSON.parse(line).url).sort();
    const wanted = all.flatMap((_, index) => Array.from({ length: 50 }, (_, time) => path(index, time))).sort();
    assert.deepEqual(urls, wanted);
  });

  it("counts what all of them do as one", async (context) => {
    const served = await serve(context);
    const all = connections(context, served);
    for (const connection of all) await connection.get("/v2/dropped/manifests/1.0");
    await pushImage(served.registry, ONE);
    const figures = await readMetrics(served.origin);
    assert.equal(figures.get(requests("getManifest", "GET", 200)), all.length);
    assert.equal(figures.get(requests("putManifest", "PUT", 201)), 1);
    assert.equal(figures.get("ociregistry_folder_images"), 1);
    assert.equal(figures.get("ociregistry_transfer_memory_limit_bytes"), 64 * 1024 * 1024);
    // Those of this test, and the one that asks; and none of what the processes have among themselves.
    assert.ok((figures.get("ociregistry_connections") ?? 0) >= all.length);
  });

  it("never counts less than before, when one of them ends", needsProc, async (context) => {
    const served = await serve(context);
    for (const connection of connections(context, served)) await connection.get("/v2/dropped/manifests/1.0");
    const counted = async (): Promise<number> =>
      (await readMetrics(served.origin)).get(requests("getManifest", "GET", 200)) ?? 0;
    const before = await counted();
    assert.ok(before > 0);
    for (const victim of workersOf(served)) signal(victim, "SIGKILL");
    let after: number | undefined;
    while (after === undefined) after = await counted().catch(() => undefined);
    assert.equal(after, before);
  });

  it("uses a socket that only its user can reach", needsProc, async (context) => {
    const path = socketOf(await serve(context));
    assert.equal(statSync(dirname(path)).mode & 0o077, 0);
  });

  it("keeps what its processes have among themselves when it cuts a client that stalls", needsProc, async (context) => {
    const served = await serve(context, "--stall-limit", "1s");
    const between = connect(socketOf(served));
    context.after(() => between.destroy());
    between.write("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(String(await once(between, "data")), /^HTTP\/1\.1 200 /);
    let isOpen = true;
    between.once("close", () => {
      isOpen = false;
    });
    const { location = "" } = (await ask(served.origin, "POST", "/v2/team/app/blobs/uploads/")).headers;
    const client = connect(served.port, "127.0.0.1");
    client.write(`PATCH ${location} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome of it`);
    assert.equal((await readAll(client)).toString(), "");
    // What would have come before is here by now.
    await ask(served.origin, "GET", "/livez");
    assert.equal(isOpen, true);
  });

  it("lets as many clients wait for the process that has the data as one process would", hasRoom, async (context) => {
    const served = await serve(context);
    const path = socketOf(served);
    const clients = 700;
    let answered = 0;
    process.kill(served.pid, "SIGSTOP");
    const asking = Array.from({ length: clients }, async () => {
      const { status } = await ask(served.origin, "GET", "/v2/_catalog");
      answered++;
      return status;
    });
    await until(() => endsAt(path) + answered > clients, "all of them wait");
    process.kill(served.pid, "SIGCONT");
    assert.deepEqual([...new Set(await Promise.all(asking))], [200]);
  });
});
