import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { banner } from "../cmd/banner.ts";
import { formatBytes } from "../cmd/format.ts";
import { readAll } from "../registry/content.ts";
import { digestOf } from "../registry/reference.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { runCommand, startServing } from "./support/command.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { projectRoot } from "./support/root.ts";
import { ask } from "./support/server.ts";
import { until } from "./support/until.ts";

const HELLO = testImage("hello", "1.0", ["one"]);

describe("ociregistry serve", () => {
  it("writes one line with the address and what it found, when nobody looks", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, HELLO);
    mkdirSync(join(root, "empty"));
    const { output, port } = await startServing(context, root);
    const expected = `ociregistry \\d+\\.\\d+\\.\\d+ serves ${root} at http://localhost:${port}: 1 image in 1 repository, \\d+ B, 1 skipped`;
    assert.match(
      output(),
      new RegExp(`^${expected} \\(see ociregistry list\\); pushes go to data; blobs are sent by [^\n]+\n$`),
    );
  });

  it("listens on both loopback addresses and on no other", async (context) => {
    const root = temporaryFolder(context);
    const { port } = await startServing(context, root);
    for (const host of ["127.0.0.1", "[::1]"]) {
      assert.equal((await fetch(`http://${host}:${port}/v2/`)).status, 200);
    }
    const [outside] = execFileSync("hostname", ["-I"]).toString().trim().split(" ");
    if (outside) await assert.rejects(fetch(`http://${outside}:${port}/v2/`));
  });

  it("listens where --host says", async (context) => {
    const root = temporaryFolder(context);
    const { port, output } = await startServing(context, root, "--host", "127.0.0.2");
    assert.ok(output().includes(`http://127.0.0.2:${port}`));
    assert.equal((await fetch(`http://127.0.0.2:${port}/v2/`)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/v2/`));
  });

  it("lets transfers finish on SIGTERM and exits with 0", async (context) => {
    const root = temporaryFolder(context);
    const image = testImage("big", "1.0", ["x"]);
    const layer = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(64 * 1024 * 1024)]);
    writeExport(root, { ...image, layers: [layer] });
    const { child, port, origin } = await startServing(context, root);
    const idle = connect(port, "127.0.0.1");
    await once(idle, "connect");
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET /v2/big/blobs/${digestOf(layer)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, "readable");
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await once(idle, "close");
    await assert.rejects(fetch(`${origin}/v2/`));
    const received = await readAll(socket);
    assert.equal(digestOf(received.subarray(received.indexOf("\r\n\r\n") + 4)), digestOf(layer));
    assert.deepEqual(await exited, [0, null]);
  });

  it("writes an access log when asked to", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, HELLO);
    const { origin, output } = await startServing(context, root, "--access-log");
    await ask(origin, "GET", "/v2/hello/manifests/1.0", { headers: { "User-Agent": 'x"\n'.trim() } });
    await ask(origin, "GET", "/livez");
    await until(() => output().trim().split("\n").length >= 3, "both lines are written");
    const [, manifest = "", live = ""] = output().split("\n");
    const { method, url, status, complete, milliseconds, client, agent } = JSON.parse(manifest);
    assert.deepEqual(
      { method, url, status, complete, client, agent },
      {
        method: "GET",
        url: "/v2/hello/manifests/1.0",
        status: 200,
        complete: true,
        client: "127.0.0.1",
        agent: 'x"',
      },
    );
    assert.ok(milliseconds > 0);
    assert.equal(JSON.parse(live).url, "/livez");
  });

  it("tells who asks that it lives and is ready", async (context) => {
    const { origin } = await startServing(context, temporaryFolder(context));
    for (const path of ["/livez", "/readyz"]) {
      const { status, body } = await ask(origin, "GET", path);
      assert.deepEqual([status, body.toString()], [200, "ok\n"]);
    }
  });

  it("has a front page for browsers, and nothing to read for others", async (context) => {
    const { origin } = await startServing(context, temporaryFolder(context));
    const page = await ask(origin, "GET", "/", { headers: { Accept: "text/html,*/*" } });
    assert.match(page.body.toString(), /href="\/docs\/"/);
    const empty = await ask(origin, "GET", "/");
    assert.equal(empty.body.length, 0);
    for (const { status, headers } of [page, empty]) {
      assert.deepEqual([status, headers["cache-control"]], [200, "no-cache"]);
    }
  });

  it("serves the API as a document, in both forms alike", async (context) => {
    const { origin } = await startServing(context, temporaryFolder(context));
    const { parse } = await import("yaml");
    const json = JSON.parse((await ask(origin, "GET", "/openapi.json")).body.toString());
    const yaml = await ask(origin, "GET", "/openapi.yaml");
    assert.deepEqual(parse(yaml.body.toString()), json);
    assert.equal(yaml.body.toString(), readFileSync(join(projectRoot(), "ociregistry.yaml"), "utf8"));
  });
});

describe("what a person gets wrong", () => {
  const cases: readonly [string[], RegExp][] = [
    [["serve", "/no/such/folder"], /^ociregistry: cannot serve "\/no\/such\/folder": there is no such folder\n$/],
    [["serve", "package.json"], /it is a file, not a folder/],
    [["list", "/no/such/folder"], /there is no such folder/],
    [["serve", "--port", "http"], /--port is a number from 0 to 65535, not "http"/],
    [["serve", "--port", "70000"], /--port is a number/],
    [["serve", "--port", "-1"], /use '--port=-\w+'; see ociregistry --help/],
    [["serve", "--prot", "80"], /Unknown option '--prot'; see ociregistry --help/],
    [["serve", "a", "b"], /one folder at a time, not also "b"/],
    [["serve", "images", "--port", "0", "--host", "192.0.2.1"], /does not have the address 192\.0\.2\.1/],
    [["list", "--format", "xml"], /--format is table or json, not "xml"/],
    [["sevre"], /there is no command "sevre"/],
  ];
  for (const [args, says] of cases) {
    it(`ociregistry ${args.join(" ")} is one clear line and exit code 2`, async () => {
      const { code, out, err } = await runCommand(...args);
      assert.equal(code, 2);
      assert.match(err, says);
      assert.equal(err.trim().split("\n").length, 1);
      assert.equal(out, "");
    });
  }

  it("a port that is in use is one clear line and exit code 2", async (context) => {
    await refusesPortInUse(context, "127.0.0.1");
  });
});

async function refusesPortInUse(context: TestContext, host: string): Promise<void> {
  const other = createServer().listen(0, host);
  await once(other, "listening");
  context.after(() => other.close());
  const { port } = other.address() as { port: number };
  const { code, err } = await runCommand("serve", temporaryFolder(context), "--port", String(port));
  assert.equal(code, 2);
  assert.equal(err, `ociregistry: port ${port} is in use; choose another with --port\n`);
}

describe("ociregistry beside others", () => {
  it("ends when only one of its two addresses is free", async (context) => {
    await refusesPortInUse(context, "::1");
  });

  it("goes on when nobody reads its output any more", async (context) => {
    const root = temporaryFolder(context);
    const { child, origin } = await startServing(context, root, "--access-log");
    child.stdout?.destroy();
    for (let count = 0; count < 3; count++) assert.equal((await ask(origin, "GET", "/v2/")).status, 200);
  });
});

describe("ociregistry list", () => {
  it("shows what would be served, and what is skipped and why", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, HELLO);
    writeFileSync(join(root, "stray"), "");
    const { code, out } = await runCommand("list", root);
    assert.equal(code, 0);
    const size = HELLO.config.length + (HELLO.layers[0]?.length ?? 0);
    assert.equal(
      out,
      "REPOSITORY  TAG  PLATFORM     SIZE   FORM            DIGEST\n" +
        `hello       1.0  linux/amd64  ${size} B  docker archive  ${HELLO.manifest.descriptor.digest}\n\n` +
        "Skipped 1 entry:\n  stray: the file is empty\n",
    );
  });

  it("is JSON for programs", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, HELLO);
    writeFileSync(join(root, "stray"), "");
    const { images, skipped } = JSON.parse((await runCommand("list", root, "--format", "json")).out);
    assert.deepEqual(images, [
      {
        repository: "hello",
        tag: "1.0",
        platforms: ["linux/amd64"],
        size: HELLO.config.length + (HELLO.layers[0]?.length ?? 0),
        form: "docker archive",
        digest: HELLO.manifest.descriptor.digest,
        path: "hello/1.0",
      },
    ]);
    assert.deepEqual(skipped, [{ path: "stray", reason: "the file is empty" }]);
  });
});

describe("ociregistry list, after damage was found", () => {
  const LAYER = digestOf(HELLO.layers[0] ?? Buffer.alloc(0));
  const REASON = "its bytes do not match its digest; put the archive there again";

  /** A folder with an image whose layer has a wrong byte. */
  const damage = (context: TestContext): { root: string; file: string; cache: string[] } => {
    const root = temporaryFolder(context);
    const file = join(writeExport(root, HELLO), `${LAYER.slice(7)}.tar.gz`);
    const bytes = Buffer.from(HELLO.layers[0] ?? "");
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    return { root, file, cache: ["--cache", temporaryFolder(context)] };
  };
  const damagedIn = async (root: string, cache: string[]) =>
    JSON.parse((await runCommand("list", root, "--format", "json", ...cache)).out).damaged;
  /** The files in which a cache remembers what was found. */
  const records = ([, cache = ""]: string[]): string[] =>
    readdirSync(cache, { recursive: true, encoding: "utf8" }).flatMap((name) =>
      name.endsWith(".json") ? [join(cache, name)] : [],
    );

  it("by a server says which image is hit, why, and what to do", async (context) => {
    const { root, cache } = damage(context);
    assert.deepEqual(await damagedIn(root, cache), []);
    const { origin } = await startServing(context, root, ...cache);
    assert.equal((await ask(origin, "GET", `/v2/hello/blobs/${LAYER}`)).status, 404);
    assert.deepEqual(await damagedIn(root, cache), [
      { path: "hello/1.0", digest: LAYER, reason: REASON, images: ["hello:1.0"] },
    ]);
  });

  it("by a check says it too, until the file is replaced or found to be right", async (context) => {
    const { root, file, cache } = damage(context);
    assert.equal((await runCommand("check", root, ...cache)).code, 1);
    const { out } = await runCommand("list", root, ...cache);
    assert.ok(out.endsWith(`\nDamaged:\n  hello/1.0, hello:1.0: ${LAYER}: ${REASON}\n`), out);
    assert.equal(records(cache).length, 1);
    writeFileSync(file, HELLO.layers[0] ?? "");
    assert.deepEqual(await damagedIn(root, cache), []);
    assert.equal((await runCommand("check", root, ...cache)).code, 0);
    assert.deepEqual(records(cache), []);
  });

  for (const [title, spoil] of [
    ["was torn", (text: string) => text.slice(0, -5)],
    ["somebody else wrote", (text: string) => text.replace("match", "fit")],
    ["is empty", () => ""],
  ] as const) {
    it(`takes no notice of a record that ${title}`, async (context) => {
      const { root, cache } = damage(context);
      await runCommand("check", root, ...cache);
      const [record = ""] = records(cache);
      writeFileSync(record, spoil(readFileSync(record, "utf8")));
      assert.deepEqual(await damagedIn(root, cache), []);
    });
  }

  it("has nothing to say, and is no failure, when nothing could be remembered", async (context) => {
    const { root } = damage(context);
    const base = temporaryFolder(context);
    writeFileSync(join(base, digestOf(Buffer.from(realpathSync(root))).slice(7, 23)), "");
    const { code, err } = await runCommand("check", root, "--cache", base);
    assert.deepEqual([code, err], [1, ""]);
    assert.deepEqual(await damagedIn(root, ["--cache", base]), []);
  });
});

describe("a cache that cannot be used", () => {
  for (const command of ["list", "check", "serve"]) {
    it(`is a mistake when --cache names a file (${command})`, async (context) => {
      const { code, err } = await runCommand(command, temporaryFolder(context), "--cache", "package.json");
      const says = 'cannot use the cache "package.json": it is a file, not a folder; choose another with --cache';
      assert.deepEqual([code, err], [2, `ociregistry: ${says}\n`]);
    });
  }

  it("is told once, as what it is, and only when something has to be unpacked", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, HELLO);
    const base = temporaryFolder(context);
    // A file at its place keeps out even root.
    const place = join(base, digestOf(Buffer.from(realpathSync(root))).slice(7, 23));
    writeFileSync(place, "");
    const cache = ["--cache", base];
    const plain = await runCommand("list", root, ...cache);
    assert.deepEqual([plain.code, plain.err], [0, ""]);
    const entry = join(root, "hello/1.0");
    const tar = execFileSync("tar", ["-c", "-C", entry, ...readdirSync(entry)]);
    for (const name of ["one.tar.gz", "two.tar.gz"]) writeFileSync(join(root, name), gzipSync(tar));
    const { code, out, err } = await runCommand("list", root, ...cache);
    assert.equal(code, 0);
    const says = `nothing can be unpacked into the cache ${place}: a file stands where a folder is expected`;
    assert.equal(err, `ociregistry: ${says}; choose another with --cache\n`);
    assert.match(out, /one\.tar\.gz: it is compressed, and there is no cache that it can be unpacked into\n/);
    assert.match(out, /^hello /m);
  });
});

describe("ociregistry check", () => {
  it("says that all is well, or what is not, with exit code 1", async (context) => {
    const root = temporaryFolder(context);
    const entry = writeExport(root, HELLO);
    const bytes = HELLO.config.length + (HELLO.layers[0]?.length ?? 0);
    const fine = await runCommand("check", root);
    assert.deepEqual([fine.code, fine.out], [0, `2 blobs, ${bytes} B: all is well\n`]);
    const digest = digestOf(HELLO.layers[0] ?? Buffer.alloc(0));
    const path = join(entry, `${digest.slice(7)}.tar.gz`);
    const damaged = Buffer.from(HELLO.layers[0] ?? "");
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    writeFileSync(join(root, "stray"), "");
    const wrong = await runCommand("check", root);
    assert.equal(wrong.code, 1);
    assert.equal(
      wrong.out,
      `${path}: ${digest}: its bytes do not match its digest\nstray: the file is empty\n2 blobs, ${bytes} B: 2 problems\n`,
    );
    const json = await runCommand("check", root, "--format", "json");
    assert.equal(json.code, 1);
    const { damaged: list, skipped } = JSON.parse(json.out);
    assert.deepEqual([list[0].digest, skipped[0].path], [digest, "stray"]);
  });
});

describe("ociregistry", () => {
  it("--help shows every command with examples, --version the version", async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8"));
    assert.deepEqual(await runCommand("--version"), { code: 0, out: `${version}\n`, err: "" });
    for (const args of [["--help"], ["serve", "--help"], []]) {
      const { code, out } = await runCommand(...args);
      assert.equal(code, 0);
      assert.match(out, /ociregistry serve \[FOLDER\].*\n.*ociregistry list/);
      assert.match(out, /Examples:\n/);
    }
  });

  it("greets a person at a terminal with a ready command for each client", async (context) => {
    const root = temporaryFolder(context);
    writeExport(root, testImage("team/app/web", "2.1", ["x"]));
    writeFileSync(join(root, "stray"), "");
    const listening = {
      port: 8080,
      addresses: ["http://127.0.0.1:8080", "http://[::1]:8080"],
      origin: "http://localhost:8080",
      close: async () => {},
    };
    const command = {
      folder: "images",
      data: "data",
      readOnly: false,
      host: undefined,
      native: true,
      proxySendsBlobs: undefined,
    };
    const started = { command, catalogue: readFolder(root), listening, transfers: { way: "sendfile" } } as const;
    const text = banner(started);
    assert.match(text, /pushes +go to data\n/);
    const open = banner({ ...started, command: { ...command, host: "0.0.0.0" } });
    assert.match(open, /anyone who can reach this address may push/);
    assert.match(text, /blobs are sent +by the kernel \(sendfile\)\n/);
    const reads = { ...started, transfers: { way: "read" } } as const;
    assert.match(banner(reads), /blobs are sent +by reading and writing \(sendfile needs .*koffi\)\n/);
    assert.match(banner({ ...reads, command: { ...command, native: false } }), /by reading and writing\n/);
    for (const line of [
      "1 image in 1 repository",
      "skipped stray: the file is empty",
      "http://localhost:8080/docs/",
      "http://127.0.0.1:8080, http://[::1]:8080",
      "crane pull localhost:8080/team/app/web:2.1 image.tar",
      "docker pull localhost:8080/team/app/web:2.1",
      "podman pull --tls-verify=false localhost:8080/team/app/web:2.1",
    ]) {
      assert.ok(text.includes(line), line);
    }
  });

  it("shows sizes as people read them", () => {
    assert.deepEqual([0, 999, 1000, 13_012, 999_949, 999_950, 5_000_000_000].map(formatBytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "13.0 kB",
      "999.9 kB",
      "1.0 MB",
      "5.0 GB",
    ]);
  });
});
