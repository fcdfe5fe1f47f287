import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { elementsOf } from "../json.ts";
import { type Digest, isDigest } from "../reference.ts";
import { stateOf } from "./file-state.ts";

/** A blob whose bytes are not what they are called, in a file as it was then. */
export interface Finding {
  readonly path: string;
  /** Where in the file the blob begins, in bytes. */
  readonly offset: number;
  readonly digest: Digest;
  /** What is wrong. */
  readonly reason: string;
  /** `stateOf` the file; with another one the finding is void. */
  readonly state: string;
}

/** What a server or a check found out, for whoever lists the same folder later. A file that was replaced is free of it. */
export interface Findings {
  /** What is still true of the files as they are now. */
  current(): Finding[];
  /** Remembers. That it cannot be written is no failure: it will be found out again. */
  add(finding: Finding): void;
  /** Remembers these alone: after everything was checked. */
  replace(findings: readonly Finding[]): void;
}

/** The reason that nearly all of them have. */
export const MISMATCH = "its bytes do not match its digest";

const ENDING = ".json";

/**
 * Findings in `folder`, a file each, so that several processes can add to them. A file is called after the hash of what
 * is in it: one that was torn, or that somebody else wrote, has another and is ignored.
 */
export function findingsIn(folder: string): Findings {
  const add = (finding: Finding): string | undefined => {
    const { path, offset, digest, reason, state } = finding;
    const text = JSON.stringify([path, offset, digest, reason, state]);
    const file = join(folder, nameOf(text));
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, text, { mode: 0o600 });
    } catch {
      return undefined;
    }
    return file;
  };
  return {
    add,
    current: () => filesIn(folder).flatMap((file) => read(file) ?? []),
    replace(findings) {
      const kept = new Set(findings.map(add));
      for (const file of filesIn(folder)) if (!kept.has(file)) remove(file);
    },
  };
}

const nameOf = (text: string): string => `${createHash("sha256").update(text).digest("hex")}${ENDING}`;

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ENDING))
      .map((name) => join(folder, name));
  } catch {
    // There is no such folder until something has been found.
    return [];
  }
}

function read(file: string): Finding | undefined {
  try {
    const text = readFileSync(file, "utf8");
    const finding = nameOf(text) === basename(file) ? parse(text) : undefined;
    return finding && stateOf(statSync(finding.path, { bigint: true })) === finding.state ? finding : undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string): Finding | undefined {
  const [path, offset, digest, reason, state] = elementsOf(JSON.parse(text));
  if (typeof path !== "string" || typeof reason !== "string" || typeof state !== "string") return undefined;
  if (typeof offset !== "number" || typeof digest !== "string" || !isDigest(digest)) return undefined;
  return { path, offset, digest, reason, state };
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is void all the same once the file is another.
  }
}
