// @ts-check
/**
 * Turns ociregistry.yaml into gen/ and makes a stub in api/ for each operation that has no handler.
 *
 *   npm run generate             write gen/ and missing stubs; an existing handler is never touched
 *   npm run generate -- --check  write nothing; fail when gen/ is stale, an operation has no handler file,
 *                                or a handler file has no operation
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import { parse } from "yaml";

const METHODS = ["get", "head", "put", "post", "patch", "delete"];
const HEADER =
  "// Written by `npm run generate` from ociregistry.yaml. Do not edit: change that file and run it again.\n";

/** @typedef {{ id: string, method: string, path: string, tag: string, summary: string, statuses: number[] }} Operation */

/**
 * @param {any} document the parsed OpenAPI document
 * @returns {Operation[]} in the order of the document
 */
function operationsOf(document) {
  /** @type {Operation[]} */
  const operations = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      if (item[method]) operations.push(operationOf(path, method, item[method]));
    }
  }
  const ids = operations.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw new Error(`Two operations are called "${twice}"; an operationId must be unique`);
  return operations;
}

/**
 * @param {string} path
 * @param {string} method
 * @param {any} operation
 * @returns {Operation}
 */
function operationOf(path, method, operation) {
  const where = `${method.toUpperCase()} ${path}`;
  const { operationId: id, tags = [], summary = "", responses } = operation;
  if (!/^[a-z][A-Za-z0-9]*$/.test(id ?? "")) throw new Error(`${where} needs an operationId such as getThing`);
  if (tags.length !== 1) throw new Error(`${where} needs exactly one tag: it names the folder of its handler`);
  const statuses = Object.keys(responses).map(Number);
  return { id, method: method.toUpperCase(), path, tag: tags[0], summary, statuses };
}

/**
 * @param {any} document
 * @param {Operation[]} operations
 * @returns {Promise<Record<string, string>>} path below the root -> content
 */
async function generatedFiles(document, operations) {
  const types = astToString(await openapiTS(document, { alphabetize: false, immutable: true }));
  const table = Object.fromEntries(
    operations.map(({ id, method, path, tag, statuses }) => [id, { method, path, tag, statuses }]),
  );
  return {
    "gen/openapi.ts": `${HEADER}\n${types}`,
    "gen/document.ts": `${HEADER}\n/** The document as a value: what the server routes by, and what /openapi.json sends. */\nexport const document = ${JSON.stringify(document, null, 2)};\n`,
    "gen/operations.ts": `${HEADER}\n/** Every operation: its method, path, tag and the statuses that it may answer with. */\nexport const OPERATIONS = ${JSON.stringify(table, null, 2)} as const;\n`,
  };
}

/** @param {Operation} operation */
const handlerPath = ({ tag, id }) => `api/${tag}/${id}.ts`;

/**
 * A handler that compiles and answers UNSUPPORTED, to be written. It is not served until it stands in api/handlers.ts,
 * which does not compile without it.
 *
 * @param {Operation} operation
 */
const stub = ({ id, summary, method, path }) => `import { RegistryError } from "../../registry/errors.ts";
import type { Handler } from "../operation.ts";

/** ${method} ${path}: ${summary.toLowerCase().replace(/[.?]$/, "")}. */
export const ${id}: Handler<"${id}"> = () => {
  throw new RegistryError("UNSUPPORTED", "${id} is not written yet");
};
`;

/**
 * @param {string} root
 * @param {Operation[]} operations
 * @returns {{ missing: Operation[], orphans: string[] }}
 */
function compareHandlers(root, operations) {
  const expected = new Set(operations.map(handlerPath));
  const folders = readdirSync(join(root, "api"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const present = folders.flatMap(({ name }) =>
    readdirSync(join(root, "api", name)).map((file) => `api/${name}/${file}`),
  );
  return {
    missing: operations.filter((operation) => !existsSync(join(root, handlerPath(operation)))),
    orphans: present.filter((path) => !expected.has(path)),
  };
}

/**
 * @param {string} root the folder with ociregistry.yaml, gen/ and api/
 * @param {{ check: boolean }} options
 * @returns {Promise<string[]>} what was written, or with `check` what is wrong
 */
export async function generate(root, { check }) {
  const document = parse(readFileSync(join(root, "ociregistry.yaml"), "utf8"));
  const operations = operationsOf(document);
  const { missing, orphans } = compareHandlers(root, operations);
  const files = await generatedFiles(document, operations);
  if (!check) for (const operation of missing) files[handlerPath(operation)] = stub(operation);

  const changed = Object.keys(files).filter((path) => !isCurrent(join(root, path), files[path] ?? ""));
  if (check) {
    return [
      ...changed.map((path) => `${path} is stale: run npm run generate`),
      ...missing.map((operation) => `${handlerPath(operation)} is missing: ${operation.id} has no handler`),
      ...orphans.map((path) => `${path} is no handler: no operation in ociregistry.yaml has that tag and operationId`),
    ];
  }
  for (const path of changed) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files[path] ?? "");
  }
  return changed.map((path) => `wrote ${path}`);
}

/**
 * @param {string} path
 * @param {string} content
 */
const isCurrent = (path, content) => existsSync(path) && readFileSync(path, "utf8") === content;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
  const check = process.argv.includes("--check");
  const lines = await generate(root, { check });
  for (const line of lines) console.log(line);
  if (check && lines.length > 0) process.exitCode = 1;
}
