import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFile } from "../script.ts";
import type { Place } from "./hottest.ts";

const maps = new Map<string, SourceMap | undefined>();

/** File, below the project, and line; of the source, when there is a source map beside what was compiled from it. */
export function sourcePlaceOf({ url, lineNumber, columnNumber }: Place): string {
  if (!url.startsWith("file:")) return `${url}:${lineNumber + 1}`;
  const path = fileURLToPath(url);
  if (!maps.has(path)) maps.set(path, mapBeside(path));
  const source = maps.get(path)?.findEntry(lineNumber, columnNumber);
  if (!source || !("originalSource" in source)) return `${belowProject(path)}:${lineNumber + 1}`;
  return `${belowProject(resolve(path, "..", source.originalSource))}:${source.originalLine + 1}`;
}

const belowProject = (path: string): string => relative(projectFile(""), path);

function mapBeside(path: string): SourceMap | undefined {
  const beside = `${path}.map`;
  return existsSync(beside) ? new SourceMap(JSON.parse(readFileSync(beside, "utf8"))) : undefined;
}
