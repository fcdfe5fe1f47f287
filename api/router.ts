import { type Document, OpenAPIRouter, type Operation, type ParsedRequest, type Request } from "openapi-backend";
import { RegistryError } from "../registry/errors.ts";
import { quote } from "../registry/reference.ts";

/** What a path means: its operations by lower-case method, and the parameters in it. */
export interface Match {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly params: Record<string, string>;
}

interface Route {
  /** The segments after the parameter that may span several: a literal, or the name of a parameter. */
  readonly suffix: readonly (string | { readonly param: string })[];
  readonly operations: Record<string, Operation>;
}

/**
 * Routes repository names of any depth, which OpenAPI cannot express. `{name}` (marked `x-multi-segment` in the
 * document) takes every segment that the fixed rest of a path leaves over, so paths are matched from the right: the last
 * reserved word counts, and a repository may be called `a/blobs/b`. Both `/` and `%2F` separate, because Swagger UI
 * sends the latter. Exact paths (`/v2/`, `/v2/_catalog`) come first.
 *
 * The table is built once from the document; the router that it replaces compiles its expressions for each request.
 */
export class OciRouter extends OpenAPIRouter {
  readonly #exact = new Map<string, Record<string, Operation>>();
  readonly #routes: Route[] = [];
  readonly #operations: Operation[];
  readonly #byId: ReadonlyMap<string, Operation>;

  constructor(options: ConstructorParameters<typeof OpenAPIRouter>[0]) {
    super(options);
    this.#operations = operationsOf(this.definition);
    this.#byId = new Map(this.#operations.map((operation) => [operation.operationId ?? "", operation]));
    for (const operation of this.#operations) this.#add(operation);
    this.#routes.sort((a, b) => literals(b) - literals(a));
  }

  #add(operation: Operation): void {
    const { path, method } = operation;
    if (!path.includes("{")) {
      const operations = this.#exact.get(path) ?? {};
      operations[method] = operation;
      this.#exact.set(path, operations);
      return;
    }
    const suffix = suffixOf(path);
    const known = this.#routes.find((route) => JSON.stringify(route.suffix) === JSON.stringify(suffix));
    if (known) known.operations[method] = operation;
    else this.#routes.push({ suffix, operations: { [method]: operation } });
  }

  /**
   * What the path of a request (raw, without query) means; undefined when no operation has such a path.
   * Throws NAME_INVALID for a percent escape that is not UTF-8.
   */
  match(path: string): Match | undefined {
    if (path.startsWith(PREFIX)) {
      const decoded = decode(path);
      const slashes = slashesOf(decoded);
      for (const { suffix, operations } of this.#routes) {
        const params = matchRight(suffix, decoded, slashes);
        if (params) return { operations, params };
      }
    }
    const operations = this.#exact.get(path);
    return operations && { operations, params: {} };
  }

  override getOperations(): Operation[] {
    return this.#operations;
  }

  override getOperation(operationId: string): Operation | undefined {
    return this.#byId.get(operationId);
  }

  override matchOperation(request: Request): Operation | undefined;
  override matchOperation(request: Request, strict: boolean): Operation;
  override matchOperation(request: Request, strict = false): Operation | undefined {
    const match = this.match(pathOf(request.path));
    const operation = match && operationFor(match, request.method);
    if (operation || !strict) return operation;
    throw new Error(match ? "405-methodNotAllowed" : "404-notFound");
  }

  override parseRequest(request: Request, operation?: Operation): ParsedRequest {
    const parsed = super.parseRequest(request);
    if (operation) parsed.params = this.match(pathOf(request.path))?.params ?? {};
    return parsed;
  }
}

/**
 * What the stock router lists, each operation with the parameters of its path. Not asked of that one, because it needs all
 * of lodash, which takes longer to load than this server does for its first answer.
 */
function operationsOf({ paths = {}, security = [] }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, item = {}]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const parameters = [...(operation.parameters ?? []), ...(item.parameters ?? [])];
      return [{ security, ...operation, path, method, parameters } as Operation];
    }),
  );
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/** The operation of a method on a matched path; HEAD works wherever GET does. */
export function operationFor({ operations }: Match, method: string): Operation | undefined {
  const lower = method.toLowerCase();
  return operations[lower] ?? (lower === "head" ? operations["get"] : undefined);
}

/** The methods that work on a matched path, for the `Allow` header. */
export function allowed({ operations }: Match): string {
  const methods = Object.keys(operations).map((method) => method.toUpperCase());
  if (methods.includes("GET") && !methods.includes("HEAD")) methods.push("HEAD");
  return methods.sort().join(", ");
}

/** The methods that still work on a path when the registry cannot be written to. */
export function allowedToRead(match: Match | undefined): string {
  return match?.operations["get"] ? "GET, HEAD" : "";
}

const PREFIX = "/v2/";

const pathOf = (url: string): string => url.split("?", 1)[0] ?? "";

const literals = ({ suffix }: Route): number => suffix.filter((part) => typeof part === "string").length;

function suffixOf(path: string): Route["suffix"] {
  const start = `${PREFIX}{name}/`;
  if (!path.startsWith(start)) throw new Error(`Cannot route ${path}: a path with parameters begins with ${start}`);
  return path
    .slice(start.length)
    .split("/")
    .map((part) => (part.startsWith("{") ? { param: part.slice(1, -1) } : part));
}

/** Clients send names with plain slashes; Swagger UI escapes them. A path is decoded once, never again. */
function decode(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new RegistryError("NAME_INVALID", `${quote(path)} has a percent escape that is not UTF-8`, { cause });
  }
}

/** Where the slashes after the prefix are. Forwards, because V8 is slow at searching backwards. */
function slashesOf(path: string): number[] {
  const slashes: number[] = [];
  for (let at = path.indexOf("/", PREFIX.length); at >= 0; at = path.indexOf("/", at + 1)) slashes.push(at);
  return slashes;
}

/** Compares in place, and cuts the parameters out only when the route fits. */
function matchRight(
  suffix: Route["suffix"],
  path: string,
  slashes: readonly number[],
): Record<string, string> | undefined {
  // `…/blobs/uploads` without its slash is the collection too: a redirect would lose the body of a POST.
  const missing = suffix[suffix.length - 1] === "" && !path.endsWith("/") ? 1 : 0;
  const count = suffix.length - missing;
  const first = slashes.length - count;
  if (first < 0) return undefined;
  const startOf = (index: number): number => (slashes[first + index] ?? 0) + 1;
  const endOf = (index: number): number => slashes[first + index + 1] ?? path.length;
  for (let index = 0; index < count; index++) {
    const part = suffix[index] ?? "";
    const start = startOf(index);
    const length = endOf(index) - start;
    const fits = typeof part === "string" ? length === part.length && path.startsWith(part, start) : length > 0;
    if (!fits) return undefined;
  }
  const params: Record<string, string> = {};
  for (let index = 0; index < count; index++) {
    const part = suffix[index];
    if (typeof part === "object") params[part.param] = path.slice(startOf(index), endOf(index));
  }
  params["name"] = path.slice(PREFIX.length, slashes[first]);
  return params;
}
