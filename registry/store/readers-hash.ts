import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

/** Of this folder, what says when an archive has changed and what is kept of it. */
const OWN: readonly string[] = ["archive-reader.js", "scan-cache.js"];

/**
 * What the code that reads archives hashes to, in hexadecimal: an archive is read in one way until that code changes.
 * In the bundled program, where there are no such files, this is what it was when it was bundled (scripts/bundle.mjs).
 */
export function readersHash(): string {
  const hash = createHash("sha256");
  for (const place of ["../archive/", "../"]) {
    const folder = new URL(place, import.meta.url);
    const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
    for (const name of scripts.sort()) hash.update(readFileSync(new URL(name, folder)));
  }
  for (const name of OWN) hash.update(readFileSync(new URL(name, import.meta.url)));
  return hash.digest("hex");
}
