import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { accelRedirect, type HandOver, handedOver, xSendfile } from "../api/hand-over.ts";
import { digestOf } from "../registry/reference.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { runCommand, startServing } from "./support/command.ts";
import { hexOf, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { readMetrics } from "./support/metrics.ts";
import { ask, startServer } from "./support/server.ts";

const LARGE = Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(2 * 1024 * 1024)]);
const IMAGE = { ...testImage("team/app", "1.0", ["x"]), layers: [LARGE] };
const PATH = `/v2/team/app/blobs/${digestOf(LARGE)}`;
const NAME = `${hexOf(digestOf(LARGE))}.tar.gz`;

/** A server of the image, whose large layer has been checked: by that it may be handed over. */
async function serveImage(context: TestContext, handOver: (root: string) => HandOver) {
  const root = realpathSync(temporaryFolder(context));
  writeExport(root, IMAGE);
  const server = await startServer(folder({ current: readFolder(root) }), { handOver: handOver(root) });
  context.after(server.close);
  return { ...server, root };
}

const toNginx = (root: string): HandOver => accelRedirect([{ folder: root, uri: "/files/" }]);

describe("a blob that a proxy sends", () => {
  it("is named to it, with all headers and without a body, once it has been checked", async (context) => {
    const { origin } = await serveImage(context, toNginx);
    const first = await ask(origin, "GET", PATH);
    assert.ok(first.body.equals(LARGE));
    assert.equal(first.headers["x-accel-redirect"], undefined);
    const { status, headers, body } = await ask(origin, "GET", PATH);
    assert.deepEqual([status, body.length, headers["content-length"]], [200, 0, "0"]);
    assert.equal(headers["x-accel-redirect"], `/files/team/app/1.0/${NAME}`);
    for (const name of ["docker-content-digest", "etag", "content-type", "cache-control"]) {
      assert.equal(headers[name], first.headers[name], name);
    }
    const values = await readMetrics(origin);
    assert.equal(values.get("ociregistry_handed_over_total"), 1);
    assert.equal(values.get('ociregistry_sent_bytes_total{content="blob"}'), LARGE.length);
  });

  it("is named by its path to Apache and lighttpd", async (context) => {
    const { origin, root } = await serveImage(context, (place) => xSendfile([place]));
    await ask(origin, "GET", PATH);
    const { headers } = await ask(origin, "GET", PATH);
    assert.equal(headers["x-sendfile"], join(root, "team/app/1.0", NAME));
  });

  it("is cut by the proxy only where both read the range alike", async (context) => {
    const { origin } = await serveImage(context, toNginx);
    await ask(origin, "GET", PATH);
    const etag = `"${digestOf(LARGE)}"`;
    const cases: [headers: Record<string, string>, status: number, isHandedOver: boolean][] = [
      [{ Range: "bytes=5-9" }, 200, true],
      [{ Range: "bytes=5-" }, 200, true],
      [{ Range: "bytes=-5" }, 200, true],
      [{ Range: "bytes=5-9", "If-Range": etag }, 200, true],
      [{ Range: "bytes=5-9", "If-Range": '"another"' }, 200, false],
      [{ Range: "bytes=1-2,5-9" }, 200, false],
      [{ Range: "bytes=nonsense" }, 200, false],
      [{ Range: "lines=1-2" }, 200, false],
      [{ Range: `bytes=${LARGE.length}-` }, 416, false],
      [{ "If-None-Match": etag }, 304, false],
    ];
    for (const [headers, status, isHandedOver] of cases) {
      const answer = await ask(origin, "GET", PATH, { headers });
      const found = [answer.status, answer.headers["x-accel-redirect"] !== undefined, answer.body.length > 300_000];
      assert.deepEqual(found, [status, isHandedOver, status === 200 && !isHandedOver], JSON.stringify(headers));
      assert.equal(answer.headers["content-range"], status === 416 ? `bytes */${LARGE.length}` : undefined);
    }
    const head = await ask(origin, "HEAD", PATH);
    assert.equal(head.headers["content-length"], String(LARGE.length));
    assert.equal(head.headers["x-accel-redirect"], undefined);
  });

  it("is sent as ever when it is small, or lies out of the folders, and whatever a client asks for", async (context) => {
    const { origin } = await serveImage(context, () => accelRedirect([{ folder: "/elsewhere", uri: "/files/" }]));
    for (let round = 0; round < 2; round++) assert.ok((await ask(origin, "GET", PATH)).body.equals(LARGE));

    const near = await serveImage(context, toNginx);
    const config = `/v2/team/app/blobs/${digestOf(IMAGE.config)}`;
    for (let round = 0; round < 2; round++)
      assert.ok((await ask(near.origin, "GET", config)).body.equals(IMAGE.config));

    const plain = await startServer(folder({ current: readFolder(near.root) }));
    context.after(plain.close);
    const headers = { "X-Accel-Redirect": "/files/x", "X-Sendfile": "/x", "X-Sendfile-Type": "X-Accel-Redirect" };
    for (let round = 0; round < 2; round++) {
      const answer = await ask(plain.origin, "GET", PATH, { headers });
      assert.ok(answer.body.equals(LARGE));
      assert.ok(!("x-accel-redirect" in answer.headers || "x-sendfile" in answer.headers));
    }
  });

  it("is all that is in its file", () => {
    const body = {
      kind: "file",
      fd: 0,
      path: "/srv/a",
      identity: "",
      onlyMoved: false,
      offset: 0,
      length: 10,
    } as const;
    const whole = { ...body, unchanged: async () => true, close: async () => {} };
    const told = (offset: number, range?: string): boolean =>
      handedOver(
        {
          status: range ? 206 : 200,
          headers: range ? { "Content-Range": `bytes ${range}` } : {},
          body: { ...whole, offset },
        },
        { range },
        toNginx("/srv"),
      ) !== undefined;
    assert.deepEqual([told(0), told(512)], [true, false]);
    assert.deepEqual([told(3, "3-12/20"), told(515, "3-12/20"), told(0, "3-12/20")], [true, false, false]);
  });

  it("has a name that is a URI", () => {
    const name = accelRedirect([{ folder: "/srv/all images", uri: "/files/" }]);
    const uriOf = (path: string) => name(path)?.["X-Accel-Redirect"];
    assert.equal(uriOf("/srv/all images/a b/100%?#ü+é"), "/files/a%20b/100%25%3F%23%C3%BC%2B%C3%A9");
    assert.equal(uriOf("/srv/all images/..a/b"), "/files/..a/b");
    for (const path of ["/srv/all images", "/srv/all imagesX/a", "/srv/a", "/etc/passwd", "/srv/all images/../a"]) {
      assert.equal(uriOf(path), undefined, path);
    }
    assert.equal(xSendfile(["/srv"])("/srv/a\r\nb")?.["X-Sendfile"], "/srv/a%0D%0Ab");
  });
});

describe("ociregistry serve --proxy-sends-blobs", () => {
  it("hands over what is pushed, and what lies in a folder that is reached by a link", async (context) => {
    const root = temporaryFolder(context);
    const images = join(root, "images");
    mkdirSync(images);
    writeExport(images, IMAGE);
    symlinkSync(images, join(root, "link"));
    const data = join(root, "data");
    const { origin, output } = await startServing(
      context,
      join(root, "link"),
      "--data",
      data,
      "--proxy-sends-blobs",
      "nginx",
    );
    assert.match(output(), /blobs are sent by the proxy where they are files, else by/);
    await ask(origin, "GET", PATH);
    const { headers } = await ask(origin, "GET", PATH);
    assert.equal(headers["x-accel-redirect"], `/ociregistry-images/team/app/1.0/${NAME}`);
    const pushed = randomBytes(100_000);
    const digest = digestOf(pushed);
    await ask(origin, "POST", `/v2/new/blobs/uploads/?digest=${digest}`, { body: pushed });
    const hex = hexOf(digest);
    const answer = await ask(origin, "GET", `/v2/new/blobs/${digest}`);
    assert.equal(answer.headers["x-accel-redirect"], `/ociregistry-blobs/sha256/${hex.slice(0, 2)}/${hex}`);
    assert.equal((await ask(origin, "GET", `/v2/other/blobs/${digest}`)).status, 404);
  });

  it("hands over in each worker, and gives them what has to be checked", async (context) => {
    const images = temporaryFolder(context);
    writeExport(images, IMAGE);
    const data = join(temporaryFolder(context), "data");
    const options = ["--data", data, "--workers", "2", "--proxy-sends-blobs", "nginx"];
    const { origin } = await startServing(context, images, ...options);
    const first = await ask(origin, "GET", PATH);
    assert.ok(first.body.equals(LARGE));
    for (let round = 0; round < 4; round++) {
      const { headers, body } = await ask(origin, "GET", PATH);
      assert.equal(headers["x-accel-redirect"], `/ociregistry-images/team/app/1.0/${NAME}`);
      assert.equal(body.length, 0);
    }
  });

  it("says which kinds there are", async () => {
    const { code, err } = await runCommand("serve", "--proxy-sends-blobs", "apache");
    assert.deepEqual([code, err], [2, 'ociregistry: --proxy-sends-blobs is nginx or x-sendfile, not "apache"\n']);
  });
});
