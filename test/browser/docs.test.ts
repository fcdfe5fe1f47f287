import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, it } from "node:test";
import type { Browser, BrowserContextOptions, Page, Route } from "playwright-core";
import { document } from "../../gen/document.ts";
import { OPERATIONS } from "../../gen/operations.ts";
import { describeClient } from "../clients/describeClient.ts";
import { run } from "../clients/run.ts";
import { makeScratch } from "../clients/scratch.ts";
import { servedDigest, sha256 } from "../clients/server.ts";
import { Operation, type Shown, shownOperations } from "./operation.ts";
import { startServer } from "./server.ts";
import { startBrowser, Visit } from "./visit.ts";

/** Headers whose values Swagger UI shows as they are; it takes others for lists and writes their commas anew. */
const PLAIN_HEADERS = ["content-type", "content-length", "docker-content-digest", "docker-distribution-api-version"];

/** What `String.replace` would take for commands, if the document were pasted into a script. */
const PATTERNS = "It costs $& or $' or $$ or $1.";

/** How an operation is filled in. What is not here keeps what the page has put in. */
interface Attempt {
  readonly operation: keyof typeof OPERATIONS;
  /** Examples to choose, by parameter. */
  readonly pick?: Readonly<Record<string, string>>;
  /** Values to write, by parameter. They are known when a test runs, not before. */
  readonly fill?: () => Readonly<Record<string, string>>;
}

describeClient("chromium", { programs: ["chromium", "bash", "curl"] }, (cleanup) => {
  let browser: Browser;
  let scratch: string;
  let origin: string;
  let manifest: string;

  before(async () => {
    scratch = await makeScratch(cleanup);
    origin = await startServer(scratch, cleanup);
    manifest = await servedDigest(new URL(origin).host, "hello", "latest");
    browser = await startBrowser(cleanup);
  });

  it("shows every operation of the document, each with its summary", () =>
    readDocs(async (page) => {
      await page.waitForLoadState("networkidle");
      assert.equal(await page.title(), "ociregistry API");
      assert.equal(await page.locator("html").getAttribute("lang"), "en");
      const declared = Object.values(OPERATIONS).map(({ method, path }) => `${method} ${path}`);
      assert.deepEqual((await shownOperations(page)).sort(), declared.sort());
      const summaries = await page.locator(".opblock-summary-description").allTextContents();
      assert.equal(summaries.filter(Boolean).length, declared.length);
    }));

  it("fits a phone", () =>
    readDocs(
      async (page) => {
        await attempt(page, { operation: "getManifest" });
        assert.deepEqual(await page.evaluate("[innerWidth, document.documentElement.scrollWidth]"), [390, 390]);
      },
      { viewport: { width: 390, height: 844 }, isMobile: true },
    ));

  it("forbids scripts that are not the server's, and these tests would see one", () =>
    visiting(async (visit) => {
      await visit.page.goto(`${origin}/docs/`);
      await visit.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: '1' }))");
      await shownOperations(visit.page);
      assert.throws(() => visit.assertUntroubled(origin), /Content Security Policy/);
    }));

  executes("the base check", { operation: "getBase" }, () => "/v2/");
  executes("the list of repositories", { operation: "listRepositories" }, () => "/v2/_catalog");
  executes("the tags", { operation: "listTags" }, () => "/v2/hello/tags/list");
  executes("a manifest by tag", { operation: "getManifest" }, () => "/v2/hello/manifests/latest");
  executes(
    "a manifest by digest",
    { operation: "getManifest", pick: { reference: "the digest" } },
    () => `/v2/hello/manifests/${manifest}`,
  );
  executes(
    "the referrers of a manifest",
    { operation: "listReferrers", pick: { digest: "the manifest of hello, for its referrers" } },
    () => `/v2/hello/referrers/${manifest}`,
  );
  executes(
    "the tags of a repository with slashes",
    { operation: "listTags", fill: () => ({ name: "team/app/web" }) },
    () => "/v2/team/app/web/tags/list",
  );
  executes(
    "a manifest by digest in a repository with slashes",
    { operation: "getManifest", fill: () => ({ name: "team/app/web", reference: manifest }) },
    () => `/v2/team/app/web/manifests/${manifest}`,
  );

  downloads("a config", { operation: "getBlob" }, "config");
  downloads("a layer", { operation: "getBlob", pick: { digest: "a layer of hello" } }, "layer");

  it("executes a range of a blob", () =>
    readDocs(async (page) => {
      const range = { Range: "the first 100 bytes" };
      const { operation, shown } = await attempt(page, { operation: "getBlob", pick: range });
      assert.equal(shown.status, "206");
      const start = (await fetchBytes(shown.url)).subarray(0, 100);
      assert.deepEqual(await operation.download(), start);
      assert.deepEqual(await runCurl(shown.curl), { status: "206", body: start });
    }));

  for (const operation of ["headManifest", "headBlob"] as const) {
    it(`executes ${operation}, with a curl command that comes to an end`, () =>
      readDocs(async (page) => {
        const { shown } = await attempt(page, { operation });
        await assertShown(shown, new URL(shown.url).pathname);
        const { status, body } = await runCurl(shown.curl);
        assert.equal(status, "200");
        assert.match(body.toString(), /^docker-content-digest: sha256:[0-9a-f]{64}\r$/im);
      }));
  }

  it("executes the base path without its slash, which ends at the base check", () =>
    readDocs(async (page) => {
      const { operation, shown } = await attempt(page, { operation: "redirectToBase" });
      assert.match(shown.status, /^200/);
      assert.equal(await operation.body(), "{}");
    }));

  it("pushes the manifest that the page brings along, under a tag of one's own, and deletes it", () =>
    readDocs(async (page) => {
      const mine = { reference: "mine" };
      const { shown } = await attempt(page, { operation: "putManifest", fill: () => mine });
      assert.equal(shown.status, "201");
      const pushed = await fetchBytes(`${origin}/v2/hello/manifests/mine`);
      assert.ok(shown.headers.includes(`docker-content-digest: ${sha256(pushed)}`));
      assert.equal((await runCurl(shown.curl)).status, "201");
      const deleted = await attempt(page, { operation: "deleteManifest", fill: () => mine });
      assert.equal(deleted.shown.status, "202");
      assert.equal((await fetch(`${origin}/v2/hello/manifests/mine`)).status, 404);
    }));

  it("opens an upload, looks at it, and gives it up", () =>
    readDocs(async (page) => {
      const { shown } = await attempt(page, { operation: "startUpload" });
      assert.equal(shown.status, "202");
      const session = shown.headers.find((line) => line.startsWith("docker-upload-uuid: "))?.split(" ")[1] ?? "";
      const fill = () => ({ session });
      assert.equal((await attempt(page, { operation: "statUpload", fill })).shown.status, "204");
      assert.equal((await attempt(page, { operation: "cancelUpload", fill })).shown.status, "204");
      assert.equal((await fetch(`${origin}/v2/hello/blobs/uploads/${session}`)).status, 404);
    }));

  it("shows no document but its own", () =>
    visitingUntroubled(async ({ page, requests }) => {
      await page.route("**/foreign.json", (route) => route.fulfill({ json: { ...document, paths: {} } }));
      for (const parameter of ["url", "configUrl"]) {
        for (const address of [`${origin}/foreign.json`, "http://foreign.example/foreign.json"]) {
          await page.goto(`${origin}/docs/?${parameter}=${encodeURIComponent(address)}`);
          assert.equal((await shownOperations(page)).length, Object.keys(OPERATIONS).length);
        }
      }
      assert.ok(!requests.some(({ pathname }) => pathname === "/foreign.json"));
    }));

  it("has one address, and nothing of the page that Swagger UI brings", () =>
    visitingUntroubled(async ({ page }) => {
      for (const path of ["/docs", "/docs/index.html"]) {
        await page.goto(origin + path);
        assert.equal(page.url(), `${origin}/docs/`);
        assert.equal((await shownOperations(page)).length, Object.keys(OPERATIONS).length);
      }
    }));

  it("shows the texts of the document as they are", () =>
    visitingUntroubled(async ({ page }) => {
      await page.route("**/openapi.json", describeAs(PATTERNS));
      await page.goto(`${origin}/docs/`);
      assert.equal(await page.locator(".info .renderedMarkdown p").textContent(), PATTERNS);
    }));

  it("holds no copy of the document besides", async () => {
    for (const file of ["", "swagger-ui-init.js"]) {
      const text = (await fetchBytes(`${origin}/docs/${file}`)).toString();
      assert.ok(!text.includes(document.paths["/v2/"].get.summary), file);
    }
  });

  it("is linked to on the front page, where every link works", async () => {
    let targets: (string | null)[] = [];
    await visitingUntroubled(async ({ page }) => {
      await page.goto(origin);
      const links = await page.getByRole("link").all();
      targets = await Promise.all(links.map((link) => link.getAttribute("href")));
    });
    assert.ok(targets.includes("/docs/"));
    for (const target of targets) await visiting(({ page }) => assertLinkWorks(page, target));
  });

  /** A test that executes an operation whose answer is JSON: the page and its curl command show what the server says. */
  function executes(what: string, how: Attempt, path: () => string): void {
    it(`executes ${what}`, () =>
      readDocs(async (page) => {
        const { operation, shown } = await attempt(page, how);
        const bytes = await assertShown(shown, path());
        assert.deepEqual(JSON.parse(await operation.body()), JSON.parse(bytes.toString()));
        assert.deepEqual(await runCurl(shown.curl), { status: "200", body: bytes });
      }));
  }

  /** A test that executes an operation whose answer is a file, the config or a layer of hello. */
  function downloads(what: string, how: Attempt, kind: "config" | "layer"): void {
    it(`executes ${what}`, () =>
      readDocs(async (page) => {
        const { operation, shown } = await attempt(page, how);
        const digest = shown.url.slice(shown.url.lastIndexOf("/") + 1);
        assert.ok((await blobsOfHello())[kind].includes(digest), digest);
        const bytes = await assertShown(shown, `/v2/hello/blobs/${digest}`);
        assert.equal(sha256(bytes), digest);
        assert.deepEqual(await operation.download(), bytes);
        assert.deepEqual(await runCurl(shown.curl), { status: "200", body: bytes });
      }));
  }

  /** Asserts that the page shows the request, and a good answer, for exactly this path. Returns the answer's body. */
  async function assertShown({ status, url, headers }: Shown, path: string): Promise<Buffer> {
    assert.equal(status, "200");
    assert.equal(url, origin + path);
    const answer = await fetch(url);
    for (const name of PLAIN_HEADERS.filter((name) => answer.headers.has(name))) {
      const line = `${name}: ${answer.headers.get(name)}`;
      assert.ok(headers.includes(line), line);
    }
    return Buffer.from(await answer.arrayBuffer());
  }

  /** Runs a curl command as the page shows it. */
  async function runCurl(command: string): Promise<{ status: string; body: Buffer }> {
    const file = join(scratch, "answer");
    const more = `--silent --show-error --max-time 10 --noproxy '*' --output '${file}' --write-out '%{http_code}'`;
    const status = await run("bash", ["-c", `${command} ${more}`]);
    return { status, body: await readFile(file) };
  }

  async function blobsOfHello(): Promise<{ config: string[]; layer: string[] }> {
    const bytes = await fetchBytes(`${origin}/v2/hello/manifests/latest`);
    const { config, layers }: { config: Named; layers: Named[] } = JSON.parse(bytes.toString());
    return { config: [config.digest], layer: layers.map(({ digest }) => digest) };
  }

  /** Clicks on a link of the front page. What it leads to may be a page or a file. */
  async function assertLinkWorks(page: Page, target: string | null): Promise<void> {
    await page.goto(origin);
    const answered = page.waitForResponse((response) => response.url() === origin + target);
    const [answer] = await Promise.all([answered, page.locator(`a[href="${target}"]`).click()]);
    assert.equal(answer.status(), 200, answer.url());
  }

  async function visiting(test: (visit: Visit) => Promise<void>, options?: BrowserContextOptions): Promise<void> {
    const visit = await Visit.begin(browser, options);
    try {
      await test(visit);
    } finally {
      await visit.end();
    }
  }

  function visitingUntroubled(test: (visit: Visit) => Promise<void>, options?: BrowserContextOptions): Promise<void> {
    return visiting(async (visit) => {
      await test(visit);
      visit.assertUntroubled(origin);
    }, options);
  }

  /** An untroubled visit that begins on /docs/. */
  function readDocs(test: (page: Page) => Promise<void>, options?: BrowserContextOptions): Promise<void> {
    return visitingUntroubled(async ({ page }) => {
      await page.goto(`${origin}/docs/`);
      await test(page);
    }, options);
  }
});

interface Named {
  readonly digest: string;
}

/** Fills in an operation and executes it. */
async function attempt(page: Page, how: Attempt): Promise<{ operation: Operation; shown: Shown }> {
  const operation = new Operation(page, how.operation);
  await operation.open();
  for (const [parameter, example] of Object.entries(how.pick ?? {})) await operation.pick(parameter, example);
  for (const [parameter, value] of Object.entries(how.fill?.() ?? {})) await operation.fill(parameter, value);
  return { operation, shown: await operation.execute() };
}

/** Answers with the document of the server, but for its description. */
function describeAs(description: string): (route: Route) => Promise<void> {
  return (route) => route.fulfill({ json: { ...document, info: { ...document.info, description } } });
}

async function fetchBytes(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}
