import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { NO_NATIVE, OURS, WORKERS } from "../measure/figure.ts";
import { script } from "../script.ts";
import type { BareAnswer } from "./bare-manifest.ts";
import { type ServerProcess, startPrinting } from "./server-process.ts";

/** Starts our server and the bare ones that it is compared with, all with the same Node. */
export interface Ours {
  /** Of that Node, such as `20.19.4`. */
  readonly version: string;
  /** The ways to run our server that are measured beside each other, by contestant, with their flags. */
  readonly variants: Readonly<Record<string, readonly string[]>>;
  /** Starts ociregistry on a folder of archives, with a place for what it keeps. */
  serveArchives(folder: string, cache: string, ...flags: readonly string[]): Promise<ServerProcess>;
  /** Starts ociregistry on a data folder, `data` in `folder`, with no archives beside it. */
  serveData(folder: string, ...flags: readonly string[]): Promise<ServerProcess>;
  /** Starts a bare server that gives this answer to every request. */
  bareManifest(answer: BareAnswer): Promise<ServerProcess>;
  /** Starts a bare server that gives this file to every request. */
  bareBlob(path: string): Promise<ServerProcess>;
}

/** Ours as users start it: `node` is a path; complaints are added to the file `log`. */
export const createOurs = (node: string, log: string): Ours => oursOf(node, log, script("../program/main.js"));

/** The same for a profile, with flags for Node, and unbundled, so that it says in which file of ours a function is. */
export const createProfiled = (node: string, log: string, flags: readonly string[]): Ours =>
  oursOf(node, log, script("../cmd/main.js"), flags);

function oursOf(node: string, log: string, program: string, flags: readonly string[] = []): Ours {
  const serve = (...args: readonly string[]) => startPrinting(node, [...flags, program, "serve", ...args], log);
  return {
    version: execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim(),
    variants: {
      [OURS]: [],
      [NO_NATIVE]: ["--no-native"],
      // As soon as the program has it.
      ...(execFileSync(node, [program, "--help"], { encoding: "utf8" }).includes("--workers ") && {
        [WORKERS]: ["--workers", "2"],
      }),
    },
    serveArchives: (folder, cache, ...more) => serve(folder, "--port", "0", "--cache", cache, ...more),
    serveData: (folder, ...more) => {
      const images = join(folder, "images");
      mkdirSync(images, { recursive: true });
      const cache = join(folder, "cache");
      return serve(images, "--data", join(folder, "data"), "--port", "0", "--cache", cache, ...more);
    },
    bareManifest: (answer) => startPrinting(node, [script("servers/bare-manifest.js"), JSON.stringify(answer)], log),
    bareBlob: (path) => startPrinting(node, [script("servers/bare-blob.js"), path], log),
  };
}
