import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createMetrics } from "../api/metrics.ts";
import { mergeSnapshots, textOf } from "../api/metrics-text.ts";
import { loadSendfile } from "../api/sendfile.ts";
import { digestOf } from "../registry/reference.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { memory } from "../registry/store/memory.ts";
import { runCommand, startServing } from "./support/command.ts";
import { pushImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { parseMetrics, readMetrics, requests } from "./support/metrics.ts";
import { ask, startServer, type TestServer } from "./support/server.ts";
import { readTable } from "./support/tables.ts";
import { WAYS } from "./support/ways.ts";

const MIB = 1024 * 1024;
const IMAGE = testImage("team/app", "1.0", ["one", "two"]);
const [LAYER = Buffer.alloc(0)] = IMAGE.layers;

async function serveImage(context: TestContext): Promise<TestServer> {
  const registry = memory();
  await pushImage(registry, IMAGE);
  const server = await startServer(registry);
  context.after(server.close);
  return server;
}

/** Waits for what a server only counts when a connection has closed. */
async function eventually(
  origin: string,
  isSo: (values: ReadonlyMap<string, number>) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const values = await readMetrics(origin);
    if (isSo(values)) return values;
    assert.ok(Date.now() < deadline, [...values].map((pair) => pair.join(" ")).join("\n"));
  }
}

const broken = (operation: string): string => `ociregistry_http_responses_broken_total{operation="${operation}"}`;
const duration = (operation: string, ending: string): string =>
  `ociregistry_http_request_duration_seconds_${ending}{operation="${operation}"}`;
const sent = (content: string): string => `ociregistry_sent_bytes_total{content="${content}"}`;
const received = (content: string): string => `ociregistry_received_bytes_total{content="${content}"}`;

describe("/metrics counts each request, by operation, method and status", () => {
  const digest = digestOf(LAYER);
  const cases: [method: string, path: string, series: string][] = [
    ["GET", "/v2/team/app/manifests/1.0", requests("getManifest", "GET", 200)],
    ["HEAD", "/v2/team/app/manifests/1.0", requests("headManifest", "HEAD", 200)],
    ["GET", `/v2/team/app/blobs/${digest}`, requests("getBlob", "GET", 200)],
    ["HEAD", `/v2/team/app/blobs/${digest}`, requests("headBlob", "HEAD", 200)],
    ["GET", "/v2/team/app/tags/list", requests("listTags", "GET", 200)],
    ["HEAD", "/v2/team/app/tags/list", requests("listTags", "HEAD", 200)],
    ["GET", "/v2/team/app/manifests/2.0", requests("getManifest", "GET", 404)],
    ["GET", "/v2/team/app/blobs/nonsense", requests("getBlob", "GET", 400)],
    ["PATCH", "/v2/team/app/tags/list", requests("none", "PATCH", 405)],
    ["GET", "/v2/team/app/nonsense", requests("none", "GET", 404)],
    ["POST", "/v2/team/app/blobs/uploads/", requests("startUpload", "POST", 202)],
    ["GET", "/livez", requests("site", "GET", 200)],
    ["PROPFIND", "/nowhere", requests("site", "other", 404)],
    ["CHECKOUT", "/v2/", requests("none", "other", 405)],
  ];
  for (const [method, path, series] of cases) {
    it(`${method} ${path}`, async (context) => {
      const { origin } = await serveImage(context);
      const operation = /operation="(\w+)"/.exec(series)?.[1] ?? "";
      const before = await readMetrics(origin);
      await ask(origin, method, path);
      const after = await eventually(origin, (values) => values.has(series));
      const moved = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      const own = [...after.keys()].filter((name) => name.startsWith("ociregistry_http_requests_total"));
      // Who asks for the figures is counted, too.
      const others = own.filter((name) => name !== series && name !== requests("site", "GET", 200));
      assert.deepEqual([moved(series) >= 1, others.map(moved)], [true, others.map(() => 0)]);
      assert.ok(moved(duration(operation, "count")) >= 1);
      assert.ok(moved(duration(operation, "sum")) < 20, "seconds");
      assert.equal(after.get(broken(operation)), 0);
    });
  }

  it("what is no HTTP", async (context) => {
    const { origin, port } = await serveImage(context);
    const socket = connect(port, "127.0.0.1");
    socket.end("nonsense\r\n\r\n");
    await once(socket.resume(), "close");
    const tunnel = connect(port, "127.0.0.1");
    tunnel.end("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(tunnel.resume(), "close");
    const values = await readMetrics(origin);
    assert.equal(values.get(requests("none", "other", 400)), 1);
    assert.equal(values.get(requests("none", "other", 405)), 1);
  });

  it("under labels that no client chooses", async (context) => {
    const { origin } = await serveImage(context);
    const strange = async (word: string): Promise<void> => {
      for (const method of ["GET", "PUT", "DELETE", "LOCK", "MKCOL"]) {
        for (const path of ["", "/tags/list", `/manifests/${word}`, `/blobs/${word}`, "/referrers/x", "?n=1"]) {
          await ask(origin, method, `/v2/${word}${path}`);
          await ask(origin, method, `/${word}${path}`, { headers: { "User-Agent": word, Host: word } });
        }
      }
    };
    const names = async (): Promise<string[]> => [...(await readMetrics(origin)).keys()];
    await strange("zebra1");
    const first = await names();
    for (const word of ["zebra2", "zebra3"]) await strange(word);
    const later = await names();
    assert.deepEqual(
      later.filter((name) => !first.includes(name) && !name.includes('operation="site",method="GET"')),
      [],
    );
    assert.ok(!later.some((name) => /zebra|LOCK|MKCOL/.test(name)));
  });
});

describe("/metrics counts bytes", () => {
  it("of manifests and small blobs that are sent", async (context) => {
    const { origin } = await serveImage(context);
    await ask(origin, "GET", "/v2/team/app/manifests/1.0");
    await ask(origin, "HEAD", "/v2/team/app/manifests/1.0");
    const digest = digestOf(LAYER);
    await ask(origin, "GET", `/v2/team/app/blobs/${digest}`);
    await ask(origin, "GET", `/v2/team/app/blobs/${digest}`, { headers: { Range: "bytes=2-4" } });
    await ask(origin, "GET", `/v2/team/app/blobs/${digest}`, { headers: { "If-None-Match": `"${digest}"` } });
    const values = await readMetrics(origin);
    assert.equal(values.get(sent("manifest")), IMAGE.manifest.bytes.length);
    assert.equal(values.get(sent("blob")), LAYER.length + 3);
  });

  it("of what is pushed", async (context) => {
    const { origin } = await serveImage(context);
    const blob = randomBytes(3 * MIB);
    const started = await ask(origin, "POST", "/v2/new/blobs/uploads/");
    const { location = "" } = started.headers;
    await ask(origin, "PATCH", location, { body: blob.subarray(0, MIB) });
    await ask(origin, "PUT", `${location}?digest=${digestOf(blob)}`, { body: blob.subarray(MIB) });
    const manifest = JSON.stringify({ schemaVersion: 2 });
    await ask(origin, "PUT", "/v2/new/manifests/1.0", { body: manifest });
    const values = await readMetrics(origin);
    assert.equal(values.get(requests("commitUpload", "PUT", 201)), 1);
    assert.equal(values.get(received("blob")), blob.length);
    assert.equal(values.get(received("manifest")), manifest.length);
  });

  it("of an upload that broke off, whose answer nobody got", async (context) => {
    const { origin, port } = await serveImage(context);
    const { location = "" } = (await ask(origin, "POST", "/v2/new/blobs/uploads/")).headers;
    const socket = connect(port, "127.0.0.1");
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n0123456789`);
    await eventually(origin, (values) => values.get(received("blob")) === 10);
    socket.destroy();
    const values = await eventually(origin, (now) => now.get(broken("appendUpload")) === 1);
    assert.equal(values.get(requests("appendUpload", "PATCH", "none")), 1);
    // What it was cut off with is no request of its own.
    assert.equal(values.get(requests("none", "other", 400)), undefined);
  });

  for (const { way, create } of WAYS) {
    it(`of blobs that are sent ${way}, and of those that broke off`, async (context) => {
      const root = temporaryFolder(context);
      const layer = Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(24 * MIB)]);
      writeExport(root, { ...testImage("team/app", "1.0", ["x"]), layers: [layer] });
      const server = await startServer(folder({ current: readFolder(root) }), { transfers: create() });
      context.after(server.close);
      const { origin, port } = server;
      const path = `/v2/team/app/blobs/${digestOf(layer)}`;
      // The first one is checked on its way, and not sent from the file.
      for (const round of [1, 2]) {
        await ask(origin, "GET", path);
        const values = await eventually(origin, (now) => now.get(requests("getBlob", "GET", 200)) === round);
        assert.equal(values.get(sent("blob")), round * layer.length);
      }
      const socket = connect(port, "127.0.0.1");
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await once(socket, "readable");
      // It is paused, so it does not get all.
      await eventually(origin, (now) => (now.get(sent("blob")) ?? 0) > 2 * layer.length);
      assert.equal((await readMetrics(origin)).get("ociregistry_transfers"), 1);
      socket.destroy();
      const values = await eventually(origin, (now) => now.get(broken("getBlob")) === 1);
      const part = (values.get(sent("blob")) ?? 0) - 2 * layer.length;
      assert.ok(part > 0 && part < layer.length, `${part} bytes`);
      assert.equal(values.get(requests("getBlob", "GET", 200)), 3);
      const isFree = (now: ReadonlyMap<string, number>): boolean =>
        now.get("ociregistry_transfers") === 0 && now.get("ociregistry_transfer_memory_bytes") === 0;
      await eventually(origin, isFree);
    });
  }
});

describe("/metrics shows", () => {
  it("what is served, what is pushed, what is collected, and the process", async (context) => {
    const root = temporaryFolder(context);
    const data = join(temporaryFolder(context), "data");
    writeExport(root, IMAGE);
    mkdirSync(join(root, "broken"));
    writeFileSync(join(root, "broken/x.tar"), "nonsense");
    const { origin, port } = await startServing(
      context,
      root,
      "--data",
      data,
      "--no-native",
      "--transfer-memory",
      "8M",
    );
    const served = await readMetrics(origin);
    const is = (values: ReadonlyMap<string, number>, expected: Readonly<Record<string, number>>): void =>
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)])), expected);
    is(served, {
      ociregistry_folder_repositories: 1,
      ociregistry_folder_images: 1,
      ociregistry_folder_skipped: 1,
      ociregistry_uploads: 0,
      ociregistry_collections_total: 0,
      ociregistry_connections: 1,
      'ociregistry_blob_sending_info{way="read"}': 1,
      ociregistry_transfer_memory_limit_bytes: 8 * MIB,
    });
    const info = [...served.keys()].find((name) => name.startsWith("ociregistry_build_info"));
    assert.match(info ?? "", /\{version="\d+\.\d+\.\d+",node="v\d+\.\d+\.\d+"\}$/);
    assert.ok(Math.abs((served.get("process_start_time_seconds") ?? 0) - Date.now() / 1000) < 60);
    for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "nodejs_heap_size_used_bytes"]) {
      assert.ok((served.get(name) ?? 0) > 0, name);
    }

    const blob = randomBytes(1000);
    await ask(origin, "POST", "/v2/new/blobs/uploads/");
    await ask(origin, "POST", `/v2/new/blobs/uploads/?digest=${digestOf(blob)}`, { body: blob });
    const idle = connect(port, "127.0.0.1");
    context.after(() => idle.destroy());
    await eventually(origin, (values) => values.get("ociregistry_connections") === 2);
    is(await readMetrics(origin), { ociregistry_uploads: 1 });

    // What was pushed a moment ago is left alone.
    assert.equal((await runCommand("gc", "--data", data, "--dry-run")).code, 0);
    is(await readMetrics(origin), { ociregistry_collections_total: 0 });
    assert.equal((await runCommand("gc", "--data", data)).code, 0);
    is(await readMetrics(origin), { ociregistry_collections_total: 1, ociregistry_collected_bytes_total: 0 });
    await eventually(origin, (values) => (values.get("ociregistry_event_loop_delay_seconds_count") ?? 0) > 1);
  });
});

describe("a server that the kernel can send blobs for", {
  skip: loadSendfile() ? false : "there is no sendfile on this machine",
}, () => {
  for (const [way, said, ...options] of [
    ["sendfile", "by the kernel (sendfile)"],
    ["read", "by reading and writing", "--no-native"],
  ] as const) {
    it(`says ${way} in /metrics and "${said}" in its log${options.map((option) => `, with ${option}`)}`, async (context) => {
      const { origin, output } = await startServing(context, temporaryFolder(context), ...options);
      const values = await readMetrics(origin);
      const ways = [...values].filter(([name]) => name.startsWith("ociregistry_blob_sending_info"));
      assert.deepEqual(ways, [[`ociregistry_blob_sending_info{way="${way}"}`, 1]]);
      assert.ok(output().endsWith(`; blobs are sent ${said}\n`), output());
    });
  }
});

describe("docs/metrics.md", () => {
  it("names each series with its labels", async (context) => {
    const server = await startServing(
      context,
      temporaryFolder(context),
      "--data",
      join(temporaryFolder(context), "data"),
    );
    await ask(server.origin, "GET", "/v2/");
    const labels = new Map<string, string>();
    for (const series of (await readMetrics(server.origin)).keys()) {
      const name = series.replace(/\{.*/, "").replace(/_seconds_(?:bucket|sum|count)$/, "_seconds");
      const own = [...series.matchAll(/(\w+)="/g)].map(([, label = ""]) => label).filter((label) => label !== "le");
      labels.set(name, own.join(", "));
    }
    const rows = readTable("docs/metrics.md", "series").map(([name = "", own = ""]) => [name.replaceAll("`", ""), own]);
    assert.deepEqual(rows, [...labels]);
  });
});

describe("what several processes have counted", () => {
  it("is added up, but not what they have in common", () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.of("getBlob").ended("GET", 200, 0.002, true);
    one.of("getBlob").sent += 10;
    other.of("getBlob").ended("GET", 200, 2, false);
    other.of("getBlob").sent += 5;
    other.of("headBlob").ended("HEAD", 404, 0, true);
    one.add(() => ({ ociregistry_folder_images: 3, ociregistry_uploads: 1, process_start_time_seconds: 100 }));
    other.add(() => ({ ociregistry_folder_images: 4, ociregistry_uploads: 2, process_start_time_seconds: 50 }));
    const snapshots = [one, other].map(({ snapshot }) => JSON.parse(JSON.stringify(snapshot())));
    const values = parseMetrics(textOf(mergeSnapshots(snapshots)));
    const expected = {
      [requests("getBlob", "GET", 200)]: 2,
      [requests("headBlob", "HEAD", 404)]: 1,
      [broken("getBlob")]: 1,
      [duration("getBlob", "count")]: 2,
      [duration("getBlob", "sum")]: 2.002,
      'ociregistry_http_request_duration_seconds_bucket{operation="getBlob",le="1"}': 1,
      [sent("blob")]: 15,
      ociregistry_folder_images: 4,
      ociregistry_uploads: 3,
      process_start_time_seconds: 50,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)])), expected);
  });
});

describe("the reader of these tests", () => {
  const good = "# HELP a_total b\n# TYPE a_total counter\na_total 1\n";
  it("takes what is right", () => assert.equal(parseMetrics(good).get("a_total"), 1));
  const wrong: [title: string, text: string][] = [
    ["no end of line", good.slice(0, -1)],
    ["a sample without its family", "a 1\n"],
    ["a family twice", good + good],
    ["a series twice", `${good}a_total 2\n`],
    ["a counter without _total", good.replaceAll("a_total", "a")],
    ["a label that is not escaped", `${good}a_total{b="c"d"} 1\n`],
    ["a value that is none", good.replace(" 1\n", " one\n")],
    ["a histogram without its end", '# HELP h b\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n'],
  ];
  for (const [title, text] of wrong) it(`refuses ${title}`, () => assert.throws(() => parseMetrics(text)));
});
