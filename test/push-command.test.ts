import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readAll, streamOf } from "../registry/content.ts";
import { digestOf, parseTag } from "../registry/reference.ts";
import { runCommand, type Serving } from "./support/command.ts";
import { pushBlob, pushImage, temporaryFolder, testImage } from "./support/images.ts";
import { serveData, serveDataAgain } from "./support/serve-data.ts";
import { ask, errorOf } from "./support/server.ts";

const DROPPED = testImage("team/app", "1.0", ["dropped"]);
const PUSHED = testImage("team/app", "2.0", ["pushed"]);

const serve = (context: TestContext, ...args: string[]) => serveData(context, [DROPPED], ...args);

async function stop({ child }: Serving, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

describe("ociregistry serve --data", () => {
  it("makes the data folder with the first push, and not before", async (context) => {
    const served = await serve(context);
    await served.registry.getManifest("team/app", parseTag("1.0"));
    assert.equal(existsSync(served.data), false);
    await pushImage(served.registry, PUSHED);
    assert.equal(existsSync(served.data), true);
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it(`has what was pushed after ${signal} and a new start at once`, async (context) => {
      const served = await serve(context);
      await pushImage(served.registry, PUSHED);
      await stop(served, signal);
      const again = await serveDataAgain(context, served);
      const { bytes } = await again.registry.getManifest("team/app", parseTag("2.0"));
      assert.deepEqual(Buffer.from(bytes), Buffer.from(PUSHED.manifest.bytes));
      await again.registry.getManifest("team/app", parseTag("1.0"));
    });
  }

  it("goes on with an upload that kill -9 interrupted", async (context) => {
    const served = await serve(context);
    const blob = Buffer.from("some bytes");
    const opened = await ask(served.origin, "POST", "/v2/team/app/blobs/uploads/");
    const location = opened.headers.location ?? "";
    await ask(served.origin, "PATCH", location, { body: blob.subarray(0, 4) });
    await stop(served, "SIGKILL");
    const again = await serveDataAgain(context, served);
    assert.equal((await ask(again.origin, "GET", location)).headers.range, "0-3");
    const rest = { body: blob.subarray(4), headers: { "Content-Range": "4-9" } };
    assert.equal((await ask(again.origin, "PUT", `${location}?digest=${digestOf(blob)}`, rest)).status, 201);
    assert.deepEqual((await ask(again.origin, "GET", `/v2/team/app/blobs/${digestOf(blob)}`)).body, blob);
  });

  it("is had by one process", async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, PUSHED);
    const { code, err } = await runCommand("serve", served.folder, "--port", "0", "--data", served.data);
    assert.equal(code, 2);
    assert.match(err, /^ociregistry: process \d+ on .* has the data folder .*--data\n$/);
  });

  it("is refused when it is something else, or lies in the folder of archives", async (context) => {
    const root = temporaryFolder(context);
    mkdirSync(join(root, "images"));
    writeFileSync(join(root, "precious.txt"), "x");
    const other = await runCommand("serve", join(root, "images"), "--port", "0", "--data", root);
    assert.deepEqual([other.code, other.err.split("\n").length], [2, 2]);
    assert.match(other.err, /holds something else/);
    assert.deepEqual(readdirSync(root).sort(), ["images", "precious.txt"]);
    const inside = await runCommand("serve", join(root, "images"), "--port", "0", "--data", join(root, "images/data"));
    assert.match(inside.err, /lies in the folder of archives/);
  });

  it("is not written to with --read-only, and shows what was pushed before", async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, PUSHED);
    await stop(served, "SIGTERM");
    const again = await serveDataAgain(context, served, "--read-only");
    await again.registry.getManifest("team/app", parseTag("2.0"));
    const refused = await ask(again.origin, "POST", "/v2/team/app/blobs/uploads/");
    assert.deepEqual([refused.status, errorOf(refused).code], [405, "UNSUPPORTED"]);
    assert.match(errorOf(refused).detail ?? "", /--read-only/);
  });

  it("is only looked at with --read-only, so beside a server that writes, and as often as one likes", async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, PUSHED);
    const files = () => readdirSync(served.data, { recursive: true }).sort();
    const found = files();
    const lock = statSync(join(served.data, "lock"));
    for (let time = 0; time < 2; time++) {
      const looking = await serveDataAgain(context, served, "--read-only");
      await looking.registry.getManifest("team/app", parseTag("2.0"));
      const { body } = await looking.registry.getBlob("team/app", digestOf(PUSHED.config));
      assert.equal(digestOf(await readAll(streamOf(body))), digestOf(PUSHED.config));
    }
    assert.deepEqual([files(), statSync(join(served.data, "lock")).ino], [found, lock.ino]);
    await pushImage(served.registry, testImage("team/app", "3.0", ["later"]));
  });

  it("is refused with --read-only, too, when it is something else, and by list", async (context) => {
    const root = temporaryFolder(context);
    mkdirSync(join(root, "images"));
    mkdirSync(join(root, "photos"));
    writeFileSync(join(root, "photos", "precious.txt"), "x");
    for (const args of [["serve", "--read-only", "--port", "0"], ["list"]]) {
      const { code, err } = await runCommand(...args, join(root, "images"), "--data", join(root, "photos"));
      assert.deepEqual([code, err.split("\n").length], [2, 2]);
      assert.match(err, /holds something else/);
    }
    assert.deepEqual(readdirSync(join(root, "photos")), ["precious.txt"]);
  });

  it("takes blobs over from archives, and has them when the archives are gone", async (context) => {
    const served = await serve(context);
    const digest = digestOf(DROPPED.config);
    await served.registry.mountBlob("new/one", digest, { from: "team/app" });
    await served.registry.mountBlob("new/two", digest);
    const { mediaType } = DROPPED.manifest.descriptor;
    const manifest = { mediaType, bytes: DROPPED.manifest.bytes };
    await served.registry.pushManifest("team/app", manifest, [parseTag("kept")]);
    await stop(served, "SIGTERM");
    rmSync(served.folder, { recursive: true });
    mkdirSync(served.folder);
    const { origin } = await serveDataAgain(context, served);
    for (const name of ["new/one", "new/two", "team/app"]) {
      assert.deepEqual((await ask(origin, "GET", `/v2/${name}/blobs/${digest}`)).body, DROPPED.config);
    }
    assert.equal((await ask(origin, "GET", "/v2/team/app/manifests/kept")).status, 200);
    assert.equal((await ask(origin, "GET", "/v2/team/app/manifests/1.0")).status, 404);
  });

  it("keeps tags as they are that --immutable names", async (context) => {
    const served = await serve(context, "--immutable", "v*", "--immutable", "?.0");
    await pushImage(served.registry, PUSHED);
    const moved = testImage("team/app", "2.0", ["other"]);
    await assert.rejects(pushImage(served.registry, moved), /immutable/);
    await assert.rejects(pushImage(served.registry, { ...moved, tag: "1.0" }), /immutable/);
    await pushImage(served.registry, { ...moved, tag: "latest" });
  });

  it("takes no more than --max-blob-size, --max-uploads and --max-upload-space allow", async (context) => {
    const { origin } = await serve(context, "--max-blob-size", "1K", "--max-uploads", "2", "--max-upload-space", "2K");
    const start = () => ask(origin, "POST", "/v2/a/blobs/uploads/");
    const large = Buffer.alloc(1025);
    const refused = await ask(origin, "POST", `/v2/a/blobs/uploads/?digest=${digestOf(large)}`, { body: large });
    assert.deepEqual([refused.status, errorOf(refused).code], [413, "SIZE_INVALID"]);
    const sessions = [await start(), await start()].map(({ headers }) => headers.location ?? "");
    const third = await start();
    assert.deepEqual([third.status, errorOf(third).code], [429, "TOOMANYREQUESTS"]);
    const send = (session = "") => ask(origin, "PATCH", session, { body: Buffer.alloc(1024) });
    assert.equal((await send(sessions[0])).status, 202);
    assert.equal((await send(sessions[1])).status, 202);
    const fourth = await ask(origin, "POST", "/v2/a/blobs/uploads/", {});
    assert.equal(fourth.status, 429);
    await ask(origin, "DELETE", sessions[0] ?? "");
    const next = (await start()).headers.location ?? "";
    assert.equal((await send(next)).status, 202);
    await ask(origin, "DELETE", next);
    const last = (await start()).headers.location ?? "";
    assert.equal((await ask(origin, "PATCH", last, { body: Buffer.alloc(1000) })).status, 202);
    const over = await ask(origin, "PATCH", sessions[1] ?? "", { body: Buffer.alloc(100) });
    assert.deepEqual([over.status, errorOf(over).code], [413, "SIZE_INVALID"]);
  });

  for (const [args, message] of [
    [["--gc-grace", "soon"], /--gc-grace is a time such as/],
    [["--gc-interval", "25d"], /--gc-interval is at most 24d, not "25d"/],
    [["--max-blob-size", "big"], /--max-blob-size is a size such as/],
    [["--max-uploads", "0"], /--max-uploads is a whole number/],
    [["--data", ""], /data folder is empty/],
  ] as const) {
    it(`says what is wrong with ${args.join(" ")}`, async () => {
      const { code, err } = await runCommand("serve", ...args);
      assert.deepEqual([code, err.split("\n").length], [2, 2]);
      assert.match(err, message);
    });
  }
});

describe("ociregistry gc", () => {
  it("collects what no manifest needs, also while a server has the folder", async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, PUSHED);
    await pushBlob(served.registry, "other", Buffer.from("in no image"));
    const gc = (...args: string[]) => runCommand("gc", "--data", served.data, "--gc-grace", "0", ...args);
    // The server keeps what was pushed a moment ago for those who are about to push the manifest.
    assert.match((await gc()).out, /^collected: 0 blobs out of repositories, 0 blobs/);
    await stop(served, "SIGTERM");
    assert.match(
      (await gc("--dry-run")).out,
      /^would collect: 1 blob out of a repository, 1 blob \(11 B\) to the trash/,
    );
    assert.match((await gc()).out, /^collected: 1 blob out of a repository, 1 blob \(11 B\) to the trash/);
    assert.match((await gc()).out, /1 blob removed for good/);
    const again = await serveDataAgain(context, served);
    await again.registry.getBlob("team/app", digestOf(PUSHED.config));
    await assert.rejects(async () => again.registry.statBlob("other", digestOf(Buffer.from("in no image"))));
  });

  it("gives up old uploads when the server that has the folder says so, and by itself none", async (context) => {
    const served = await serve(context);
    await ask(served.origin, "POST", "/v2/team/app/blobs/uploads/");
    await stop(served, "SIGTERM");
    const uploads = join(served.data, "uploads");
    const [upload = ""] = readdirSync(uploads);
    const written = new Date(Date.now() - 48 * 3_600_000);
    utimesSync(join(uploads, upload), written, written);
    const gc = () => runCommand("gc", "--data", served.data);
    assert.match((await gc()).out, /, 0 uploads given up$/m);
    const patient = await serveDataAgain(context, served, "--upload-expiry", "3d");
    assert.match((await gc()).out, /, 0 uploads given up$/m);
    assert.deepEqual(readdirSync(uploads), [upload]);
    await stop(patient, "SIGTERM");
    await serveDataAgain(context, served);
    assert.match((await gc()).out, /, 1 upload given up$/m);
    assert.deepEqual(readdirSync(uploads), []);
  });

  it("says that there is nothing yet", async (context) => {
    const { code, err } = await runCommand("gc", "--data", join(temporaryFolder(context), "none"));
    assert.equal(code, 2);
    assert.match(err, /nothing was pushed yet/);
  });
});

describe("ociregistry list and check", () => {
  it("know what was pushed, beside the server", async (context) => {
    const served = await serve(context);
    await pushImage(served.registry, PUSHED);
    await pushImage(served.registry, testImage("team/app", "1.0", ["shadow"]));
    const { out } = await runCommand("list", served.folder, "--data", served.data, "--format", "json");
    const images = JSON.parse(out).images.map(({ tag, form, platforms }: Record<string, unknown>) => [
      tag,
      form,
      platforms,
    ]);
    assert.deepEqual(images, [
      ["1.0", "pushed", ["linux/amd64"]],
      ["2.0", "pushed", ["linux/amd64"]],
    ]);
    const fine = await runCommand("check", served.folder, "--data", served.data);
    assert.equal(fine.code, 0, fine.out);
    const [algorithm = "", hex = ""] = digestOf(PUSHED.config).split(":");
    writeFileSync(join(served.data, "blobs", algorithm, hex.slice(0, 2), hex), "other bytes");
    const wrong = await runCommand("check", served.folder, "--data", served.data);
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, new RegExp(`blob sha256:${hex}: its bytes do not match its digest; push it again`));
  });

  it("name what was pushed and is not there any more", async (context) => {
    const { registry, folder, data } = await serve(context, "--allow-sparse");
    await pushImage(registry, PUSHED);
    await pushImage(registry, testImage("team/other", "1.0", ["other"]));
    const child = testImage("team/all", "child", ["child"]);
    await pushImage(registry, child);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const absent = { ...child.manifest.descriptor, digest: digestOf(Buffer.from("of another platform, never pushed")) };
    const index = { schemaVersion: 2, mediaType, manifests: [child.manifest.descriptor, absent] };
    for (const tag of ["1", "2"]) {
      await registry.pushManifest("team/all", { mediaType, bytes: Buffer.from(JSON.stringify(index)) }, [
        parseTag(tag),
      ]);
    }
    const list = async () => JSON.parse((await runCommand("list", folder, "--data", data, "--format", "json")).out);
    assert.deepEqual((await list()).damaged, []);
    const digest = digestOf(PUSHED.config);
    const [algorithm = "", hex = ""] = digest.split(":");
    const repository = (name: string, ...rest: string[]) => join(data, "repositories", name, ...rest);
    rmSync(join(data, "blobs", algorithm, hex.slice(0, 2), hex));
    writeFileSync(repository("team+all", "manifests", child.manifest.descriptor.digest.replace(":", "-")), "nothing");
    writeFileSync(repository("team+other", "tags", "1.0"), "no record");
    const { images, damaged } = await list();
    assert.deepEqual(
      images.map(({ repository: name, tag }: Record<string, string>) => `${name}:${tag}`),
      ["team/all:1", "team/all:2", "team/app:1.0", "team/app:2.0"],
    );
    assert.deepEqual(
      damaged.map(({ path, ...rest }: { path: string }) => (path === data ? rest : path)),
      [
        { reason: "child is damaged; push it again", images: ["team/all:child"] },
        {
          digest: child.manifest.descriptor.digest,
          reason: "its bytes do not match its digest; push it again",
          images: ["team/all:1", "team/all:2"],
        },
        { digest, reason: "its bytes are missing; push it again", images: ["team/app:2.0"] },
        { reason: "1.0 is damaged; push it again", images: ["team/other:1.0"] },
      ],
    );
    const { out } = await runCommand("list", folder, "--data", data);
    assert.match(out, /Damaged:\n.*team\/all:child: child is damaged.*\n.*team\/all:1, team\/all:2: sha256:/);
  });
});
