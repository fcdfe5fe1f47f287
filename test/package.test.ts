import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { readAll } from "../registry/content.ts";
import { temporaryFolder } from "./support/images.ts";
import { PROGRAM } from "./support/program.ts";
import { projectRoot } from "./support/root.ts";

const execute = promisify(execFile);
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const EXPECTED =
  /^(dist\/program\/([\w-]+\.js|NOTICES|package\.json)|images\/.+|docs\/.+\.md|ociregistry\.yaml|package\.json|README\.md|LICENSE)$/;

describe("the package", () => {
  const folder = temporaryFolder({ after });
  const installed = join(folder, "node_modules/ociregistry");
  const program = join(folder, "node_modules/.bin/ociregistry");
  let files: readonly string[];

  before(async () => {
    const pack = await makePackage(folder);
    files = pack.files;
    await install(join(folder, pack.filename), folder);
  });

  it("holds the program, the document and the sample image", () => {
    const image = files.filter((path) => path.startsWith("images/hello/"));
    for (const path of ["dist/program/main.js", "ociregistry.yaml"]) assert.ok(files.includes(path), path);
    assert.ok(image.some((path) => path.endsWith("/manifest.json")));
  });

  it("holds no tests, no benchmarks, no source maps and nothing that only one Node can read", () => {
    const unexpected = files.filter((path) => !EXPECTED.test(path) || /\.(map|cache)$/.test(path));
    assert.deepEqual(unexpected, []);
  });

  it("can be run where it was made: npm links to it", () => {
    assert.equal(statSync(PROGRAM).mode & 0o111, 0o111);
  });

  it("has every file that its code looks for beside itself", () => {
    const place = pathToFileURL(join(installed, "dist/program/main.js"));
    const code = readdirSync(join(installed, "dist/program")).map((name) => readFileSync(new URL(name, place), "utf8"));
    const named = code.join("").matchAll(/new URL\("([^"]+)", [^;]*?__filename\)/g);
    const urls = [...named].map(([, name = ""]) => new URL(name, place));
    assert.ok(urls.length >= 4);
    const missing = urls.filter((url) => !existsSync(url));
    assert.deepEqual(missing, []);
  });

  it("holds packages with their licenses, which are not installed once more", () => {
    const bundled = packagesIn(dirname(PROGRAM));
    assert.ok(bundled.includes("openapi-backend"));
    const notices = readFileSync(join(installed, "dist/program/NOTICES"), "utf8").split(/^-{80}\n\n/m);
    for (const name of bundled) {
      const notice = notices.find((text) => text.startsWith(`${name} `)) ?? "";
      assert.match(notice, /^\S+ \d.*\n\n.*(?:permission|redistribution)/is, name);
      assert.ok(!existsSync(join(folder, "node_modules", name)), name);
    }
  });

  it("gives a command that knows its version", async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8")) as { version: string };
    assert.equal((await execute(program, ["--version"])).stdout, `${version}\n`);
  });

  it("gives a command that lists", async () => {
    const [image] = await imagesOf(program, join(installed, "images"));
    assert.deepEqual([image?.repository, image?.tag], ["hello", "latest"]);
  });

  it("gives a command that serves images, the page and the document", async (context) => {
    const images = join(installed, "images");
    const { origin } = await serve(context, program, images);
    await assertFound(origin, "/v2/", "/openapi.yaml");
    const manifest = await fetch(`${origin}/v2/hello/manifests/latest`, { headers: { Accept: MANIFEST } });
    const [image] = await imagesOf(program, images);
    assert.equal(manifest.status, 200);
    assert.equal(manifest.headers.get("docker-content-digest"), image?.digest);
    const page = await (await assertFound(origin, "/docs/")).text();
    const parts = [...page.matchAll(/<(?:link|script)\b[^>]* (?:href|src)="([^"]+)"/g)].map(([, url = ""]) => url);
    assert.ok(parts.length > 0);
    await assertFound(`${origin}/docs/`, ...parts);
  });

  it("serves the same without the package that is optional", async (context) => {
    rmSync(join(folder, "node_modules/koffi"), { recursive: true, force: true });
    const { origin, line } = await serve(context, program, join(installed, "images"));
    assert.match(line, /blobs are sent by reading and writing \(sendfile needs 64-bit Linux and the package koffi\)/);
    await assertFound(origin, "/v2/hello/manifests/latest", "/docs/");
  });
});

/** The packages that the program was made of. */
function packagesIn(program: string): string[] {
  const maps = readdirSync(program).filter((name) => name.endsWith(".map"));
  const sources = maps.flatMap((name) => {
    const map = JSON.parse(readFileSync(join(program, name), "utf8")) as { sources: string[] };
    return map.sources;
  });
  const names = sources.flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(names)];
}

/** Without its scripts, which would compile into dist/ while the other tests run from there. */
async function makePackage(folder: string): Promise<{ filename: string; files: string[] }> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await execute("npm", args, { cwd: projectRoot() });
  const [pack] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  assert.ok(pack);
  return { filename: pack.filename, files: pack.files.map(({ path }) => path) };
}

/** With the dependencies that npm finds for people who have no package-lock.json of ours. */
async function install(file: string, folder: string): Promise<void> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  await execute("npm", ["install", "--ignore-scripts", "--prefer-offline", ...quiet, "--prefix", folder, file]);
}

interface ListedImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

async function imagesOf(program: string, folder: string): Promise<ListedImage[]> {
  const { stdout } = await execute(program, ["list", folder, "--format", "json"]);
  return (JSON.parse(stdout) as { images: ListedImage[] }).images;
}

/** Starts the program on a free port and returns its address and what it says. It is ended when the test is over, and must end well. */
async function serve(
  cleanup: { after: (action: () => Promise<void>) => void },
  program: string,
  folder: string,
): Promise<{ origin: string; line: string }> {
  const child = spawn(program, ["serve", folder, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const complaints = readAll(child.stderr);
  cleanup.after(async () => {
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null], (await complaints).toString());
  });
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    output += text;
    const [address] = /http:\/\/localhost:\d+/.exec(output) ?? [];
    if (address !== undefined) return { origin: address, line: output };
  }
  throw new Error(`It ended before it listened: ${output}${await complaints}`);
}

/** Asserts that each of these is there, and returns the answer to the last. */
async function assertFound(base: string, ...urls: string[]): Promise<Response> {
  let answer: Response | undefined;
  for (const url of urls) {
    answer = await fetch(new URL(url, base));
    assert.equal(answer.status, 200, url);
  }
  assert.ok(answer);
  return answer;
}
