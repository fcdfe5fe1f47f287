import {
  type Request as BackendRequest,
  type Context,
  type Document,
  OpenAPIBackend,
  type Operation,
} from "openapi-backend";
import { document } from "../gen/document.ts";
import type { ErrorCode } from "../registry/errors.ts";
import { RegistryError } from "../registry/errors.ts";
import { quote } from "../registry/reference.ts";
import type { ByteStream, Registry } from "../registry/registry.ts";
import type { Soon } from "../registry/soon.ts";
import { refusal } from "./errors.ts";
import { handlers } from "./handlers.ts";
import type { Exchange } from "./metrics.ts";
import type { AnyReply, Request as HandlerRequest, Incoming, OperationId } from "./operation.ts";
import { requestBody } from "./request-body.ts";
import { allowed, type Match, OciRouter, operationFor } from "./router.ts";

/** The openapi-backend that serves the document, with our router in place of its own. Its pipeline is the stock one. */
export async function createStockBackend(options: { quick: boolean }): Promise<OpenAPIBackend> {
  return configure(new OpenAPIBackend(OPTIONS(options)));
}

/** The same with the lean pipeline: what the server runs. Any difference in outcome is a bug (test/parity.test.ts). */
export async function createBackend(): Promise<Backend> {
  return configure(new Backend(OPTIONS({ quick: true })));
}

/** The same for a process that reads for another: of what that one has to answer itself, `ELSEWHERE` is all that it says. */
export async function createReadingBackend(): Promise<Backend> {
  const backend = await createBackend();
  const ids = Object.keys(handlers) as OperationId[];
  for (const id of ids) if (!ANSWERED_BY_READERS.has(id)) backend.handlers[id] = () => ELSEWHERE;
  return backend;
}

/** In place of an answer: this request is to be passed on as it is. */
export const ELSEWHERE: AnyReply = { status: 0, headers: {} };

/** What needs no more than to read manifests and blobs. */
const ANSWERED_BY_READERS: ReadonlySet<OperationId> = new Set<OperationId>([
  "redirectToBase",
  "getBase",
  "getManifest",
  "headManifest",
  "getBlob",
  "headBlob",
]);

/**
 * openapi-backend with a `handleRequest` that does the same work once instead of three times: match, validate, call.
 * On Node 20 the stock pipeline costs ten times what answering a manifest does.
 */
export class Backend extends OpenAPIBackend {
  readonly #plans = new Map<Operation, Plan>();
  /** What the URLs mean that were asked for lately, of requests that only read. */
  readonly #known = new Map(["GET", "HEAD"].map((method) => [method, new Map<string, Resolved>()]));

  override async init(): Promise<this> {
    await super.init();
    useOciRouter(this);
    for (const operation of this.router.getOperations()) this.#plans.set(operation, planOf(operation));
    return this;
  }

  /** It is a value already, so nothing has to be fetched or parsed; dereferencing it is `init`. */
  override async loadDocument(): Promise<Document> {
    return document as unknown as Document;
  }

  /** What a path means, for the `Allow` header of a refusal. */
  match(url: string): Match | undefined {
    return (this.router as OciRouter).match(pathOf(url));
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of the overridden method
  override async handleRequest(request: BackendRequest, ...args: any[]): Promise<any> {
    return this.answer(request, ...args);
  }

  /** What `handleRequest` promises, at once when the handler has it at once. */
  answer(request: BackendRequest, ...args: unknown[]): Soon<AnyReply> {
    const { path: url, method } = request;
    const lately = this.#known.get(method);
    const known = lately?.get(url);
    if (known) return this.#call(known, request, args);
    const match = this.match(url);
    if (!match) return this.#refuse("notFound", contextOf(this, request, {}, {}), args);
    const operation = operationFor(match, method);
    const plan = operation && this.#plans.get(operation);
    if (!plan) return this.#refuse("methodNotAllowed", contextOf(this, request, {}, {}), args);
    const resolved = { operation, plan, params: match.params, query: queryOf(url, plan.query) };
    const errors = this.#validate(resolved, request);
    if (errors) {
      const context = contextOf(this, request, resolved.params, resolved.query, operation);
      context.validation = { valid: false, errors };
      return this.#refuse("validationFail", context, args);
    }
    if (lately) remember(lately, url, resolved);
    return this.#call(resolved, request, args);
  }

  #validate({ plan, params, query }: Resolved, { headers }: BackendRequest) {
    const parameters = { path: params, query, header: headers };
    plan.validators ??= this.validator.getRequestValidatorsForOperation(plan.id);
    for (const validate of plan.validators) if (!validate(parameters)) return validate.errors ?? [];
    return undefined;
  }

  #call({ operation, plan, params, query }: Resolved, request: BackendRequest, args: unknown[]): Soon<AnyReply> {
    return this.handlers[plan.id]?.(contextOf(this, request, params, query, operation), ...args);
  }

  #refuse(handler: string, context: Context, args: unknown[]): AnyReply {
    return this.handlers[handler]?.(context, ...args);
  }
}

/** Only the URL is validated (no header of the document has a form), so a URL that was right stays right. */
function remember(lately: Map<string, Resolved>, url: string, resolved: Resolved): void {
  if (lately.size >= KNOWN_LIMIT) lately.clear();
  if (url.length <= KNOWN_LENGTH) lately.set(url, resolved);
}

const OPTIONS = ({ quick }: { quick: boolean }) => ({
  // Cloned, because dereferencing works in place.
  definition: structuredClone(document) as unknown as Document,
  quick,
  strict: true,
  ignoreTrailingSlashes: false,
  coerceTypes: true,
  // Compiling the schema of schemas takes longer than everything of ours; the stock backend of the tests does it. Our
  // schemas are small, and making their code smaller takes longer than running it ever does.
  ajvOpts: quick ? { validateSchema: false, meta: false, code: { optimize: false } } : {},
});

async function configure<B extends OpenAPIBackend>(backend: B): Promise<B> {
  await backend.init();
  useOciRouter(backend);
  // Not before, because `init` would look for each in a list of all operations that its own router makes anew each time.
  Object.assign(backend.handlers, { notFound, methodNotAllowed, validationFail });
  for (const id of Object.keys(handlers) as OperationId[]) backend.handlers[id] = adapt(id);
  return backend;
}

function useOciRouter(backend: OpenAPIBackend): void {
  if (backend.router instanceof OciRouter) return;
  backend.router = new OciRouter({ definition: backend.definition });
  backend.validator.router = backend.router;
}

/** How openapi-backend calls one of our handlers. */
function adapt(id: OperationId) {
  // Each handler takes the request of its own operation, which is what the document's validation made of this one.
  const handler = handlers[id] as (request: HandlerRequest<OperationId>, registry: Registry) => Soon<AnyReply>;
  return (context: Context, incoming: Incoming, registry: Registry, exchange: Exchange) => {
    exchange.counts = exchange.metrics.of(id);
    return handler(new ParsedRequest(context, incoming, exchange) as HandlerRequest<OperationId>, registry);
  };
}

/** What a handler sees of a request. Most of it is only asked for by those who push. */
class ParsedRequest {
  readonly path: unknown;
  readonly query: unknown;
  readonly #incoming: Incoming;
  readonly #exchange: Exchange;

  constructor({ request }: Context, incoming: Incoming, exchange: Exchange) {
    this.path = request.params;
    this.query = request.query;
    this.#incoming = incoming;
    this.#exchange = exchange;
  }

  get headers() {
    return this.#incoming.headers;
  }

  get contentType(): string {
    return mediaTypeOf(this.#incoming);
  }

  get client(): string {
    return this.#exchange.clientOf(this.#incoming);
  }

  get body(): ByteStream {
    return requestBody(this.#incoming, this.#exchange.counts);
  }
}

function notFound({ request, api }: Context): AnyReply {
  const path = pathOf(request.path);
  // The stock pipeline calls this for every failure of the matcher; asking again gives the reason.
  (api.router as OciRouter).match(path);
  return refusal(new RegistryError("NAME_UNKNOWN", `no endpoint of the registry API has the path ${quote(path)}`));
}

function methodNotAllowed({ request, api }: Context): AnyReply {
  const match = (api.router as OciRouter).match(pathOf(request.path));
  const allow = match ? allowed(match) : "";
  return refusal(new RegistryError("UNSUPPORTED", `this path takes ${allow}`), { Allow: allow });
}

function validationFail(
  { operation, validation }: Context,
  _incoming?: Incoming,
  _registry?: Registry,
  exchange?: Exchange,
): AnyReply {
  if (exchange) exchange.counts = exchange.metrics.of(planOf(operation).id as OperationId);
  const [error] = validation.errors ?? [];
  const parameter = error ? `${error.instancePath}/${error.params["missingProperty"] ?? ""}`.split("/") : [];
  const [, place = "", name = ""] = parameter;
  const code = planOf(operation).codes.get(`${place}/${name}`) ?? "UNSUPPORTED";
  const missing =
    error?.keyword === "required" ? `the parameter ${name} is missing` : `the parameter ${name} is malformed`;
  return refusal(new RegistryError(code, missing));
}

/** A URL that was matched and validated. */
interface Resolved {
  readonly operation: Operation;
  readonly plan: Plan;
  readonly params: Record<string, string>;
  readonly query: Record<string, string | string[]>;
}

/** How many URLs are remembered, and how long they may be: at most about 1 MB. */
const KNOWN_LIMIT = 1000;
const KNOWN_LENGTH = 500;

interface Plan {
  readonly id: string;
  /** The declared query parameters, and whether each may be repeated. */
  readonly query: ReadonlyMap<string, { readonly repeated: boolean }>;
  /** `path/name` -> the code for a value that does not fit. */
  readonly codes: ReadonlyMap<string, ErrorCode>;
  /** Compiled when the operation is first asked for; none when it has no parameters, as what answers "are you there?". */
  validators?: ReturnType<OpenAPIBackend["validator"]["getRequestValidatorsForOperation"]>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly type?: string };
  readonly "x-error-code"?: ErrorCode;
}

function planOf(operation: Operation): Plan {
  const parameters = (operation.parameters ?? []) as unknown as readonly Parameter[];
  const query = parameters.filter((parameter) => parameter.in === "query");
  return {
    id: operation.operationId ?? "",
    ...(parameters.length === 0 ? { validators: [] } : {}),
    query: new Map(query.map(({ name, schema }) => [name, { repeated: schema?.type === "array" }])),
    codes: new Map(
      parameters.flatMap(({ in: place, name, "x-error-code": code }) => (code ? [[`${place}/${name}`, code]] : [])),
    ),
  };
}

const pathOf = (url: string): string => {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
};

/**
 * The declared parameters of a query; clients send others (`service`, `origin`, …), which must never matter. Of one that
 * may not be repeated, the first counts.
 */
export function queryOf(url: string, declared: Plan["query"]): Record<string, string | string[]> {
  const mark = url.indexOf("?");
  if (mark < 0) return {};
  const query: Record<string, string | string[]> = {};
  const given = new URLSearchParams(url.slice(mark + 1));
  for (const [name, { repeated }] of declared) {
    const values = given.getAll(name);
    const [first] = values;
    // A literal + means itself to the clients that filter by media type, and no media type has a space.
    if (repeated && first !== undefined) query[name] = values.map((value) => value.replaceAll(" ", "+"));
    else if (first !== undefined) query[name] = first;
  }
  return query;
}

function contextOf(
  api: OpenAPIBackend,
  { method, path, headers }: BackendRequest,
  params: Record<string, string>,
  query: Record<string, string | string[]>,
  operation?: Operation,
): Context {
  const request = { method, path, headers, params, query, cookies: NOTHING, requestBody: undefined };
  return { api, request, operation, validation: VALID, security: NOTHING, response: undefined } as Context;
}

/** The same for all requests: nobody changes them. */
const NOTHING = Object.freeze({});
const VALID = Object.freeze({ valid: true });

function mediaTypeOf({ headers }: Incoming): string {
  const type = headers["content-type"];
  return type === undefined ? "" : (type.split(";", 1)[0] ?? "").trim().toLowerCase();
}
