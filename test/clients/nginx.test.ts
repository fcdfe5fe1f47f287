import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { before, it } from "node:test";
import { digestOf } from "../../registry/reference.ts";
import { runCommand, type Serving, startServing } from "../support/command.ts";
import { testImage, writeExport } from "../support/images.ts";
import { readMetrics } from "../support/metrics.ts";
import { type Answer, ask } from "../support/server.ts";
import { until } from "../support/until.ts";
import { describeClient } from "./describeClient.ts";
import { startNginx } from "./nginx.ts";
import { findProgram, type Tool, tool } from "./programs.ts";
import { run } from "./run.ts";
import { makeScratch } from "./scratch.ts";

const MIB = 1024 * 1024;
const layerOf = (size: number): Buffer => Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(size - 2)]);

/** A name that means something else in a URI, in each of its letters. */
const ODD_NAME = "läyer 100%41?#&+;=.tar.gz";

/** Conditions that the server does not know, and nginx does. */
const CONDITIONS = ["If-Modified-Since", "If-Unmodified-Since", "If-Match"];
const OLD = "Sat, 01 Jan 2022 00:00:00 GMT";

describeClient("nginx in front, which sends the blobs", { programs: ["nginx", "crane", "tar"] }, (cleanup) => {
  const odd = { ...testImage("team/odd", "1.0", ["odd"]), layers: [layerOf(2 * MIB)] };
  const tarred = { ...testImage("team/tarred", "1.0", ["tarred"]), layers: [layerOf(2 * MIB)] };
  const pushed = layerOf(24 * MIB);
  let crane: Tool;
  let folder: string;
  let images: string;
  let data: string;
  let behind: Serving;
  /** The same folders without a proxy. */
  let plain: Serving;
  let origin: string;
  let host: string;

  before(async () => {
    folder = await makeScratch(cleanup);
    images = join(folder, "images");
    data = join(folder, "data");
    await mkdir(images);
    await writeOdd(join(images, "team/odd/1.0"));
    writeExport(folder, tarred, join(folder, "unpacked"));
    await run("tar", ["-cf", join(images, "tarred.tar"), "-C", join(folder, "unpacked"), "."]);
    const after = { after: cleanup };
    behind = await startServing(after, images, "--data", data, "--proxy-sends-blobs", "nginx");
    const { port } = await startNginx(join(folder, "nginx"), cleanup, { port: behind.port, images, data });
    origin = `http://127.0.0.1:${port}`;
    host = `localhost:${port}`;
    crane = tool(findProgram("crane"), folder);
  });

  const writeOdd = async (place: string): Promise<void> => {
    await mkdir(place, { recursive: true });
    const config = digestOf(odd.config);
    await writeFile(join(place, config), odd.config);
    await writeFile(join(place, ODD_NAME), odd.layers[0] ?? "");
    const entry = { Config: config, RepoTags: ["team/odd:1.0"], Layers: [ODD_NAME] };
    await writeFile(join(place, "manifest.json"), JSON.stringify([entry]));
  };

  const handedOver = async (): Promise<number> =>
    (await readMetrics(behind.origin)).get("ociregistry_handed_over_total") ?? Number.NaN;

  it("takes pushes of crane, and gives them back", async () => {
    await writeFile(join(folder, "random"), randomBytes(8 * MIB));
    await run("tar", ["-czf", join(folder, "layer.tar.gz"), "-C", folder, "random"]);
    await crane("append", "--new_layer", join(folder, "layer.tar.gz"), "--new_tag", `${host}/pushed/crane:1`);
    const before = await handedOver();
    await crane("validate", "--remote", `${host}/pushed/crane:1`);
    assert.ok((await handedOver()) > before);
    await crane("copy", `${host}/team/odd:1.0`, `${host}/pushed/copy:1`);
    await crane("pull", `${host}/pushed/copy:1`, join(folder, "pulled.tar"));
  });

  it("takes uploads of unknown length, at the place that they were sent to", async () => {
    const { location = "" } = (await ask(origin, "POST", "/v2/pushed/raw/blobs/uploads/")).headers;
    const sent = httpRequest(new URL(location, origin), { method: "PATCH" });
    for (let start = 0; start < pushed.length; start += MIB) sent.write(pushed.subarray(start, start + MIB));
    const answered = new Promise<number | undefined>((resolve, reject) => {
      sent.on("error", reject).on("response", (response) => {
        resolve(response.statusCode);
        response.resume();
      });
    });
    sent.end();
    assert.equal(await answered, 202);
    const { status, headers } = await ask(origin, "PUT", `${location}?digest=${digestOf(pushed)}`);
    assert.deepEqual([status, headers["docker-content-digest"]], [201, digestOf(pushed)]);
  });

  it("gives the same answers as the server alone, to each kind of request", async () => {
    plain = await startServing({ after: cleanup }, images, "--data", data, "--read-only");
    const tag = (digest: string): string => `"${digest}"`;
    const blobs: [repository: string, bytes: Buffer, isHandedOver: boolean][] = [
      ["team/odd", odd.layers[0] ?? Buffer.alloc(0), true],
      ["pushed/raw", pushed, true],
      ["team/tarred", tarred.layers[0] ?? Buffer.alloc(0), false],
      ["team/odd", odd.config, false],
    ];
    for (const [repository, bytes, isHandedOver] of blobs) {
      const digest = digestOf(bytes);
      const path = `/v2/${repository}/blobs/${digest}`;
      // What has not been checked yet is sent by the server, and without ranges.
      for (const each of [origin, plain.origin]) assert.ok((await ask(each, "GET", path)).body.equals(bytes));
      const last = bytes.length - 1;
      const cases: Record<string, string>[] = [
        {},
        { Range: "bytes=0-0" },
        { Range: `bytes=1-${last}` },
        { Range: "bytes=100-" },
        { Range: "bytes=-100" },
        { Range: `bytes=-${bytes.length + 5}` },
        { Range: `bytes=5-${bytes.length + 5}` },
        { Range: "BYTES= 3-7" },
        { Range: "bytes=1-2,5-9" },
        { Range: "bytes=9-2" },
        { Range: "bytes=x" },
        { Range: "lines=1-2" },
        { Range: "bytes=-0" },
        { Range: `bytes=${bytes.length}-` },
        { Range: "bytes=2-5", "If-Range": tag(digest) },
        { Range: "bytes=2-5", "If-Range": '"another"' },
        { Range: "bytes=2-5", "If-Range": OLD },
        { "If-None-Match": tag(digest) },
        { "If-None-Match": `W/${tag(digest)}, "x"` },
        { "If-None-Match": '"another"' },
        ...CONDITIONS.flatMap((name) =>
          ["Sat, 01 Jan 2050 00:00:00 GMT", OLD, tag(digest)].map((value) => ({ [name]: value })),
        ),
        { "X-Accel-Redirect": "/ociregistry-images/team/odd/1.0/manifest.json", "X-Sendfile": "/etc/passwd" },
      ];
      for (const method of ["GET", "HEAD"]) {
        for (const headers of cases) {
          const before = await handedOver();
          const through = await ask(origin, method, path, { headers });
          const alone = await ask(plain.origin, method, path, { headers });
          const title = `${method} ${JSON.stringify(headers)} of ${repository}, ${bytes.length} bytes`;
          assert.deepEqual(facts(through), facts(alone), title);
          assert.ok(through.body.equals(alone.body), title);
          const isOne =
            (through.status === 206 || !("Range" in headers)) && !CONDITIONS.some((condition) => condition in headers);
          const expected = isHandedOver && method === "GET" && through.status < 300 && isOne;
          assert.equal((await handedOver()) - before, expected ? 1 : 0, title);
        }
      }
    }
    for (const path of ["/v2/", "/v2/team/odd/manifests/1.0", "/v2/team/odd/tags/list", "/v2/nowhere/tags/list"]) {
      const [through, alone] = [await ask(origin, "GET", path), await ask(plain.origin, "GET", path)];
      assert.deepEqual(facts(through), facts(alone), path);
      assert.ok(through.body.equals(alone.body), path);
    }
  });

  it("opens nothing that the server does not", async () => {
    const digest = digestOf(pushed);
    const hex = digest.slice("sha256:".length);
    for (const path of [
      `/ociregistry-blobs/sha256/${hex.slice(0, 2)}/${hex}`,
      "/ociregistry-images/tarred.tar",
      "/ociregistry-images/../data/format.json",
      "/ociregistry-images/%2e%2e/data/format.json",
      `/v2/team/odd/blobs/${digest}`,
    ]) {
      assert.equal((await ask(origin, "GET", path)).status, 404, path);
    }
    assert.equal((await ask(origin, "GET", "/metrics")).status, 403);
    assert.equal((await ask(origin, "GET", "/METRICS")).status, 404);
  });

  it("lets go of a push whose client goes, which can be continued", async () => {
    const { location = "" } = (await ask(origin, "POST", "/v2/pushed/broken/blobs/uploads/")).headers;
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    const before = await received();
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n0123456789`);
    await until(async () => (await received()) === before + 10, "ten bytes are received");
    socket.destroy();
    await until(async () => (await ask(origin, "GET", location)).headers.range === "0-9", "they are kept");
    const { code, out } = await runCommand("check", images, "--data", data);
    assert.equal(code, 0, out);
  });

  const received = async (): Promise<number> =>
    (await readMetrics(behind.origin)).get('ociregistry_received_bytes_total{content="blob"}') ?? Number.NaN;
});

/** What a client sees of an answer, without what servers say of themselves and of the connection. */
function facts({ status, headers }: Answer): Record<string, unknown> {
  const { date: _, server: __, connection: ___, "keep-alive": ____, ...said } = headers;
  return { status, ...said };
}
