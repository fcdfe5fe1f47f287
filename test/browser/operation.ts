import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";

/** What Swagger UI shows of a request and its answer. */
export interface Shown {
  readonly url: string;
  /** The command for bash. */
  readonly curl: string;
  readonly status: string;
  /** One `name: value` each. */
  readonly headers: readonly string[];
}

/** Each operation on the page as `GET /v2/`, when they have appeared. */
export async function shownOperations(page: Page): Promise<string[]> {
  await page.locator(".opblock").first().waitFor();
  const blocks = await page.locator(".opblock").all();
  return Promise.all(blocks.map(nameOf));
}

async function nameOf(block: Locator): Promise<string> {
  const method = await block.locator(".opblock-summary-method").textContent();
  return `${method} ${await block.locator(".opblock-summary-path").getAttribute("data-path")}`;
}

/** An operation on the page, used as its reader does. */
export class Operation {
  readonly #page: Page;
  readonly #block: Locator;

  constructor(page: Page, operationId: string) {
    this.#page = page;
    this.#block = page.locator(`.opblock[id$="-${operationId}"]`);
  }

  async open(): Promise<void> {
    await this.#block.locator(".opblock-summary-control").click();
  }

  /** Writes into the field of a parameter. */
  async fill(parameter: string, value: string): Promise<void> {
    await this.#parameter(parameter).getByRole("textbox").fill(value);
  }

  /** Chooses one of the examples of a parameter. */
  async pick(parameter: string, example: string): Promise<void> {
    await this.#parameter(parameter).getByRole("combobox").selectOption({ label: example });
  }

  /** Presses Execute, and reads what is there when the answer has come. */
  async execute(): Promise<Shown> {
    await this.#block.getByRole("button", { name: "Execute" }).click();
    return {
      status: await this.#text(".live-responses-table .response .response-col_status"),
      url: await this.#text(".request-url pre"),
      curl: await this.#text(".curl-command code"),
      headers: await this.#headers(),
    };
  }

  /** The body that is shown. */
  body(): Promise<string> {
    return this.#text(".live-responses-table .highlight-code code");
  }

  /** The body of an answer that is a file. */
  async download(): Promise<Buffer> {
    const link = this.#block.getByRole("link", { name: "Download file" });
    const [download] = await Promise.all([this.#page.waitForEvent("download"), link.click()]);
    return readFile(await download.path());
  }

  #parameter(name: string): Locator {
    return this.#block.locator(`tr[data-param-name="${name}"]`);
  }

  async #headers(): Promise<string[]> {
    const lines = await this.#block.locator(".live-responses-table .headerline").allTextContents();
    return lines.map((line) => line.trim());
  }

  /** The text of the only element that there is, or will be soon. */
  async #text(selector: string): Promise<string> {
    return ((await this.#block.locator(selector).textContent()) ?? "").trim();
  }
}
