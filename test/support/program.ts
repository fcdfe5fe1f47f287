import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "./root.ts";

const root = projectRoot();
const script = pathToFileURL(join(root, "scripts/bundle.mjs")).href;
const { isCurrent } = (await import(script)) as { isCurrent: () => boolean };
if (!isCurrent()) throw new Error("dist/program/ is not made of what is in dist/: npm run build makes it");

/** The program as users start it. */
export const PROGRAM = join(root, "dist/program/main.js");
