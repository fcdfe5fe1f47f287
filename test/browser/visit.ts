import assert from "node:assert/strict";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Cleanup } from "../clients/cleanup.ts";
import { findProgram } from "../clients/programs.ts";

const WAIT_LIMIT = 30_000;

/** Root has no sandbox, a machine for tests may have no graphics; and nothing may go out but what a page asks for. */
const SWITCHES = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium with an empty profile, until `cleanup` ends it. */
export async function startBrowser(cleanup: Cleanup): Promise<Browser> {
  // Playwright would end this whole process on a signal, and what else is to be cleaned up would stay.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const executablePath = findProgram("chromium");
  const browser = await chromium.launch({ executablePath, headless: true, args: SWITCHES, ...signals });
  cleanup(() => browser.close());
  return browser;
}

/** A page in a browser that knows nothing of other visits, and a record of what went on there. */
export class Visit {
  /** Everything that was asked for, except what the page has in itself. */
  readonly requests: URL[] = [];
  /** Errors on the console, which is where Chromium tells what a policy forbade, and exceptions that nobody caught. */
  readonly problems: string[] = [];
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    context.on("request", (request) => this.#keep(new URL(request.url())));
    page.on("console", (message) => message.type() === "error" && this.problems.push(message.text()));
    page.on("pageerror", (error) => this.problems.push(String(error)));
  }

  static async begin(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(WAIT_LIMIT);
    return new Visit(context, await context.newPage());
  }

  async end(): Promise<void> {
    await this.#context.close();
  }

  /** Asserts that the page had nothing to complain about, and asked nobody but the server that it came from. */
  assertUntroubled(origin: string): void {
    assert.deepEqual(this.problems, []);
    assert.deepEqual(
      this.requests.filter((url) => url.origin !== origin),
      [],
    );
  }

  #keep(url: URL): void {
    if (url.protocol !== "data:" && url.protocol !== "blob:") this.requests.push(url);
  }
}
