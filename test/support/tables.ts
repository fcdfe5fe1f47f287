import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./root.ts";

/** The rows of the table in a document of the project whose first column is called `heading`. */
export function readTable(document: string, heading: string): string[][] {
  const lines = readFileSync(join(projectRoot(), document), "utf8").split("\n");
  const start = lines.findIndex((line) => line.startsWith("|") && cellsOf(line)[0] === heading);
  if (start < 0) throw new Error(`${document} has no table with a column ${heading}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map(cellsOf);
}

const cellsOf = (line: string): string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
