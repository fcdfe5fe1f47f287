// @ts-check
/**
 * In dist/program/, as load.js: loads the files beside it, each with what V8 made of it before. Compiling takes a third of
 * a start. What is kept is never needed: whatever is not exactly of this file and this Node is as good as not there.
 */
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync, statSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const BEGINNING = "(function (exports, require, module, __filename, __dirname) {";

/** In the names of what is kept, so that the programs of several Nodes can have one folder. */
const KEPT = `.${process.version}-${process.platform}-${process.arch}.cache`;

/** In bytes, of SHA-256. */
const HASH_LENGTH = 32;

/** @type {Map<string, { exports: unknown }>} */
const modules = new Map();

/** @type {Map<string, { script: Script, code: Buffer }>} */
const scripts = new Map();

/**
 * Loads a file and returns what it exports.
 * @param {string} name
 */
function load(name) {
  const path = join(__dirname, name);
  const requireAny = createRequire(path);
  // Node leads to the sources only in what it has loaded itself.
  if (process.sourceMapsEnabled) return requireAny(path);
  const known = modules.get(path);
  if (known) return known.exports;
  const code = readFileSync(path);
  const cachedData = keptOf(path, code);
  const options = { filename: path, columnOffset: -BEGINNING.length, ...(cachedData ? { cachedData } : {}) };
  const script = new Script(`${BEGINNING}${code}\n})`, options);
  const module = { exports: {} };
  modules.set(path, module);
  scripts.set(path, { script, code });
  /** @param {string} wanted */
  const requireOne = (wanted) => (wanted.startsWith("./") ? load(wanted) : requireAny(wanted));
  try {
    script.runInThisContext()(module.exports, requireOne, module, path, __dirname);
  } catch (error) {
    // What it needs may be there the next time.
    modules.delete(path);
    throw error;
  }
  return module.exports;
}

/** Keeps, for the next starts, what V8 has compiled until now of all that was loaded. */
function keep() {
  // What was loaded first is written last: where that is kept, all is.
  for (const [path, { script, code }] of [...scripts].reverse()) {
    const data = script.createCachedData();
    writeFileSync(path + KEPT, Buffer.concat([hashOf(code, data), data]));
  }
}

/**
 * Whether something is kept of a file.
 * @param {string} name
 */
function isKept(name) {
  const path = join(__dirname, name);
  return keptOf(path, readFileSync(path)) !== undefined;
}

/**
 * @param {string} path
 * @param {Buffer} code
 */
function keptOf(path, code) {
  try {
    const kept = readFileSync(path + KEPT);
    const data = kept.subarray(HASH_LENGTH);
    return hashOf(code, data).equals(kept.subarray(0, HASH_LENGTH)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * V8 would take the cache of another file that is as long, and one with wrong bytes in it; and the same version of Node
 * may have been built in another way.
 * @param {Buffer} code
 * @param {Buffer} data
 */
function hashOf(code, data) {
  const { size, mtimeMs } = statSync(process.execPath);
  return createHash("sha256").update(`${size} ${mtimeMs}\n`).update(code).update(data).digest();
}

module.exports = { load, keep, isKept };
