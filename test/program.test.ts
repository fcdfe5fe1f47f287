import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { Cleanup } from "./support/cleanup.ts";
import { temporaryFolder } from "./support/images.ts";
import { PROGRAM } from "./support/program.ts";
import { projectRoot } from "./support/root.ts";

const BUILT = dirname(PROGRAM);
const isBundled = existsSync(join(BUILT, "load.js"));

describe("the program with what V8 made of it before", { skip: !isBundled && "there is no bundler here" }, () => {
  it("is made with it", () => {
    assert.ok(isKept(BUILT, "main-code.js"));
  });

  it("runs the same without it", (context) => {
    const program = copyOf(context);
    for (const path of keptIn(program)) truncateSync(path);
    assert.equal(isKept(program, "main-code.js"), false);
    assert.equal(help(program), help(BUILT));
  });

  it("does not run what is kept of another file as long", (context) => {
    const program = copyOf(context);
    edit(join(program, "main-code.js"), "Usage:", "USAGE:");
    assert.match(help(program), /^USAGE:$/m);
  });

  it("would run it if it did not look (negative control)", (context) => {
    const program = copyOf(context);
    edit(join(program, "main-code.js"), "Usage:", "USAGE:");
    edit(join(program, "load.js"), "hashOf(code, data).equals(kept.subarray(0, HASH_LENGTH))", "true");
    assert.match(help(program), /^Usage:$/m);
  });

  it("does not run what was damaged or cut off", (context) => {
    const program = copyOf(context);
    for (const damage of [cutOff, damageByte]) {
      for (const path of keptIn(program)) damage(path);
      assert.equal(isKept(program, "main-code.js"), false);
      assert.equal(help(program), help(BUILT));
    }
  });

  it("is made with it again after that", (context) => {
    const program = copyOf(context);
    for (const path of keptIn(program)) truncateSync(path);
    execFileSync(process.execPath, [join(projectRoot(), "scripts/warm.mjs"), program], { env: PLAIN });
    for (const name of ["main-code.js", "serve.js", "site.js"]) assert.ok(isKept(program, name), name);
  });

  it("names the sources in stack traces when it is asked to", (context) => {
    const program = copyOf(context);
    const bug = join(program, "bug.js");
    writeFileSync(bug, 'process.stdout.write = () => { throw new Error("made to fail"); };\n');
    const { stderr } = run(program, "--enable-source-maps", "--require", bug);
    assert.match(stderr, /Error: made to fail\n(?: {4}at .*\n)* {4}at .*[\\/]cmd[\\/]main\.ts:\d+:\d+\)?\n/);
  });
});

/** With what it looks for around itself. */
function copyOf(cleanup: Cleanup): string {
  const folder = temporaryFolder(cleanup);
  for (const name of ["package.json", "node_modules"]) symlinkSync(join(projectRoot(), name), join(folder, name));
  const program = join(folder, "dist/program");
  cpSync(BUILT, program, { recursive: true });
  return program;
}

/** Whatever the tests are run with: what is kept is for a Node without options. */
const PLAIN = { ...process.env, NODE_OPTIONS: "" };

function run(program: string, ...options: readonly string[]) {
  return spawnSync(process.execPath, [...options, join(program, "main.js"), "--help"], {
    env: PLAIN,
    encoding: "utf8",
  });
}

function help(program: string): string {
  const { status, stdout, stderr } = run(program);
  assert.equal(status, 0, stderr);
  return stdout;
}

function isKept(program: string, name: string): boolean {
  const { isKept: ask } = createRequire(import.meta.url)(join(program, "load.js")) as { isKept(name: string): boolean };
  return ask(name);
}

const keptIn = (program: string): string[] =>
  readdirSync(program)
    .filter((name) => name.endsWith(".cache"))
    .map((name) => join(program, name));

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(from), from);
  writeFileSync(path, text.replace(from, to));
}

function cutOff(path: string): void {
  truncateSync(path, Math.floor(readFileSync(path).length / 2));
}

function damageByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(255 - bytes.readUInt8(middle), middle);
  writeFileSync(path, bytes);
}
