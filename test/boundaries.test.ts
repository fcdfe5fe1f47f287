import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "./support/root.ts";

const root = projectRoot();

/** What each room may import: of the project's own, and packages. Imports point one way: cmd -> api -> registry -> gen. */
const ALLOWED: Record<string, { own: readonly string[]; packages: readonly string[] }> = {
  gen: { own: [], packages: [] },
  registry: { own: ["gen", "registry"], packages: [] },
  "registry/archive": { own: ["registry", "registry/archive"], packages: [] },
  "registry/layer": { own: ["registry", "registry/layer"], packages: [] },
  "registry/store/data": {
    own: ["registry", "registry/archive", "registry/store", "registry/store/data"],
    packages: [],
  },
  "registry/store": { own: ["registry", "registry/archive", "registry/store"], packages: ["fzstd"] },
  api: { own: ["gen", "registry", "api", "api/*"], packages: ["openapi-backend", "express", "swagger-ui-express"] },
  "api/*": { own: ["registry", "api"], packages: [] },
  cmd: {
    own: ["api", "registry", "registry/archive", "registry/layer", "registry/store", "registry/store/data", "cmd"],
    packages: [],
  },
};

/** `api/blobs/getBlob.ts` lies in the room `api/*`, `registry/store/folder.ts` in `registry/store`. */
function roomOf(path: string): string {
  const folder = dirname(path);
  return folder in ALLOWED ? folder : `${folder.split("/")[0]}/*`;
}

const files = ["api", "cmd", "gen", "registry"].flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(room, path)),
);

function importsOf(path: string): string[] {
  const source = readFileSync(join(root, path), "utf8");
  return [...source.matchAll(/\b(?:from |import |import\()"([^"\n]+)"/g)].map(([, name = ""]) => name);
}

describe("imports", () => {
  it("point one way", () => {
    assert.ok(files.length > 40);
    const wrong: string[] = [];
    for (const path of files) {
      const room = roomOf(path);
      const allowed = ALLOWED[room];
      assert.ok(allowed, `${path} lies in no known room`);
      for (const name of importsOf(path)) {
        if (name.startsWith("node:")) continue;
        const target = name.startsWith(".") ? roomOf(relative(root, join(root, dirname(path), name))) : undefined;
        const fine = target === undefined ? allowed.packages.includes(name) : allowed.own.includes(target);
        if (!fine) wrong.push(`${path} imports ${name}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("of a handler never reach the file system", () => {
    const handlers = files.filter((path) => roomOf(path) === "api/*");
    assert.ok(handlers.length >= 17);
    for (const path of handlers)
      assert.deepEqual(
        importsOf(path).filter((name) => name.startsWith("node:")),
        [],
        path,
      );
  });
});
