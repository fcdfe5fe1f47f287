import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/root.ts";

/** What README.md shows as code. */
export interface Page {
  /** The languages of its blocks, each once; one that says none is "". */
  readonly languages: string[];
  /** Its blocks in TOML. */
  readonly settings: string[];
  /** Each command that it tells readers to type, once, in its order. */
  readonly commands: string[];
  /** The scripts of package.json that it names with `npm run`. */
  readonly scripts: string[];
}

const BLOCK_OR_SPAN = /^ *```(.*)\n([\s\S]*?)^ *```$|`([^`]+)`/gm;

/** Reads README.md. */
export function readPage(): Page {
  const pieces = [...readFileSync(join(projectRoot(), "README.md"), "utf8").matchAll(BLOCK_OR_SPAN)];
  const blocks = pieces.flatMap(([, language, text = ""]) => (language === undefined ? [] : { language, text }));
  const lines = pieces.flatMap(([, language, text = "", span = ""]) => (language === "sh" ? linesOf(text) : [span]));
  return {
    languages: distinct(blocks.map(({ language }) => language)),
    settings: blocks.flatMap(({ language, text }) => (language === "toml" ? text : [])),
    commands: distinct(pieces.flatMap(([, language, text = "", span = ""]) => commandsOf(language, text, span))),
    scripts: distinct(lines.flatMap((line) => /^npm run (?:--silent )?(\S+)/.exec(line)?.[1] ?? [])),
  };
}

/**
 * Every line of a block for the shell. In the text only what npm is told: other code there is a part of a command, and
 * an `npm run` there is named, but not always to be typed.
 */
function commandsOf(language: string | undefined, text: string, span: string): string[] {
  if (language === "sh") return linesOf(text);
  return /^npm (?!run )/.test(span) ? [span] : [];
}

const linesOf = (text: string): string[] => {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean);
};

const distinct = (texts: string[]): string[] => [...new Set(texts)];
