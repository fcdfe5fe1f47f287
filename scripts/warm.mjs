// @ts-check
/**
 * Starts the program of a folder as users do, asks it for a little, and keeps what V8 compiled for that beside it
 * (load.cjs): `node scripts/warm.mjs dist/program`.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const program = resolve(process.argv[2] ?? "");

/** @type {{ load(name: string): unknown, keep(): void }} */
const { load, keep } = createRequire(import.meta.url)(join(program, "load.js"));

const folder = mkdtempSync(join(tmpdir(), "ociregistry-warm-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const images = join(folder, "images");
const sample = join(dirname(fileURLToPath(import.meta.url)), "../images/hello");
mkdirSync(images);
if (existsSync(sample)) cpSync(sample, join(images, "hello"), { recursive: true });

/** @param {string} origin */
async function visit(origin) {
  await fetch(`${origin}/v2/`);
  await fetch(`${origin}/readyz`);
  const answer = await fetch(`${origin}/v2/hello/manifests/latest`);
  const { config } = /** @type {{ config?: { digest: string } }} */ (await answer.json());
  if (config) await fetch(`${origin}/v2/hello/blobs/${config.digest}`);
}

// It says so when it listens.
process.stdout.write = (/** @type {string | Uint8Array} */ text) => {
  const [origin] = /http:\/\/localhost:\d+/.exec(String(text)) ?? [];
  if (origin !== undefined) {
    void visit(origin).then(() => {
      keep();
      process.exit();
    });
  }
  return true;
};

const places = ["--data", join(folder, "data"), "--cache", join(folder, "cache")];
process.argv = [process.execPath, join(program, "main.js"), "serve", images, "--port", "0", ...places];
load("main-code.js");
