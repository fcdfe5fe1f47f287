import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { RegistryError } from "../registry/errors.ts";
import type { Registry } from "../registry/registry.ts";
import { orElse, whenHere } from "../registry/soon.ts";
import { type Backend, createBackend, createReadingBackend, ELSEWHERE } from "./backend.ts";
import { asRegistryError, refusal } from "./errors.ts";
import { watchEventLoop } from "./event-loop-delay.ts";
import { forwardedFor, forwardTo } from "./forward.ts";
import type { HandOver } from "./hand-over.ts";
import { inTurn } from "./in-turn.ts";
import { refuseTheRest } from "./last-word.ts";
import { createMetrics, type Exchange, type Metrics } from "./metrics.ts";
import { seriesOf } from "./metrics-text.ts";
import type { AnyReply } from "./operation.ts";
import { allowedToRead } from "./router.ts";
import { send } from "./send.ts";
import type { SiteOptions } from "./site.ts";
import { limitStall, STALL_LIMIT } from "./stall-limit.ts";
import { createTransfers, type Transfers } from "./transfers.ts";

/** `onError` hears of transfers that broke off, too. */
export interface ServerOptions extends SiteOptions {
  /** Hears of each finished request; without it nothing is measured. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse, started: number) => void;
  /** How blobs are sent; without it, the fastest way that there is. */
  readonly transfers?: Transfers;
  /** The socket of the process that has the registry: what is more than reading a manifest or a blob is passed on to it. */
  readonly forwardTo?: string;
  /** Whether only processes that pass requests on to this one can reach it: they say who asks, and count connections. */
  readonly isBehind?: boolean;
  /** Lets a proxy in front of this server send blobs; nobody may reach the server but through it. */
  readonly handOver?: HandOver | undefined;
  /** Where it is counted what this server does; without it, in one of its own. */
  readonly metrics?: Metrics;
  /** How long nothing may move in either direction before a connection is cut, in ms; 0: for ever. */
  readonly stallLimit?: number;
}

interface Hooks extends ServerOptions {
  readonly transfers: Transfers;
  readonly metrics: Metrics;
  readonly measured: NonNullable<SiteOptions["measured"]>;
  readonly stallLimit: number;
}

/**
 * The HTTP server of a registry. `/v2` is answered by openapi-backend before Express sees it, because on Node 20 passing
 * through Express costs four times the rest; everything else (docs, health, the front page) is Express, loaded when
 * first asked for. Not listening yet.
 */
export async function createServer(registry: Registry, given: ServerOptions = {}): Promise<Server> {
  const { transfers = createTransfers(), metrics = createMetrics(), stallLimit = STALL_LIMIT } = given;
  const options: Hooks = { ...given, transfers, metrics, measured: given.measured ?? metrics.snapshot, stallLimit };
  const none = metrics.of("none");
  const { onRequest } = options;
  const site = lazySite(options);
  const forward = forwarding(options);
  const api = await (forward ? createReadingBackend() : createBackend());
  const begin = beginning(options);
  const answer = answering({ api, registry, forward, options });
  const answerInTurn = inTurn((request, response) => {
    const exchange = begin(request);
    // It comes once, and taking the listener off again would cost more than calling it.
    if (onRequest) response.on("close", () => onRequest(request, response, exchange.started));
    const problem = problemOf(request);
    if (problem) {
      reply({ ...refusal(problem, { Connection: "close" }), status: 400 }, request, response, options, exchange);
      return;
    }
    request.url = originForm(request.url ?? "");
    if (isApi(request.url)) answer(request, response, exchange);
    else if (forward) forward(request, response, exchange);
    else {
      limitStall(response, stallLimit);
      exchange.counts = metrics.of("site");
      void site(request, response, exchange);
    }
  });
  const server = createHttpServer(LIMITS, (request, response) => {
    note(response);
    answerInTurn(request, response);
  });
  const note = refuseTheRest(server, (method, status) => none.ended(method, status, 0, true));
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    note(response);
    const error = new RegistryError("UNSUPPORTED", "the only expectation that can be met is 100-continue");
    reply({ ...refusal(error), status: 417 }, request, response, options, begin(request));
  });
  measure(server, options);
  // A module that once failed to load stays failed, so it is loaded before descriptors can run out.
  if (!forward)
    server.once("listening", () => setTimeout(() => void import("./site.ts").catch(() => {}), PRELOAD).unref());
  return server;
}

/** What is measured of a server besides its requests. */
function measure(server: Server, { metrics, transfers, isBehind }: Hooks): void {
  server.once("listening", () => server.once("close", watchEventLoop(metrics.delays)));
  metrics.add(() => ({
    ociregistry_transfers: transfers.active,
    ociregistry_transfer_memory_bytes: transfers.held,
    ociregistry_transfer_memory_limit_bytes: transfers.memory,
  }));
  if (isBehind) return;
  let connections = 0;
  server.on("connection", (socket: Duplex) => {
    connections++;
    socket.once("close", () => connections--);
  });
  metrics.add(() => ({
    ociregistry_connections: connections,
    [seriesOf("ociregistry_blob_sending_info", { way: transfers.way })]: 1,
  }));
}

/** What each request begins as. */
function beginning({ metrics, isBehind }: Hooks): (request: IncomingMessage) => Exchange {
  const none = metrics.of("none");
  if (!isBehind) return () => ({ metrics, counts: none, started: performance.now(), clientOf: atTheOtherEnd });
  // What another process asks for itself, it counts when it gives it to a client.
  const aside = createMetrics();
  return (request) => {
    const own = forwardedFor(request) === undefined ? aside : metrics;
    return {
      metrics: own,
      counts: own.of("none"),
      started: performance.now(),
      clientOf: (incoming) => forwardedFor(incoming) ?? "",
    };
  };
}

const atTheOtherEnd: Exchange["clientOf"] = ({ socket }) => socket.remoteAddress ?? "";

/** When the rest of the site is loaded at the latest, in ms after the start: pulls come first. */
const PRELOAD = 1_000;

const LIMITS = {
  // Node cuts a request after 5 minutes, which ends large pushes; the stall limit does not.
  requestTimeout: 0,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  // Go clients keep connections for 90 s; a shorter time here makes their next request fail now and then.
  keepAliveTimeout: 100_000,
  // Checked by us, because Node's refusal has no body.
  requireHostHeader: false,
} as const;

const isApi = (url: string): boolean => url.startsWith("/v2") && (url.length === 3 || url[3] === "/" || url[3] === "?");

type Answer = (request: IncomingMessage, response: ServerResponse, exchange: Exchange) => void;

/** Undefined: this process answers everything itself. */
function forwarding(options: Hooks): Answer | undefined {
  const { forwardTo: socketPath } = options;
  if (socketPath === undefined) return undefined;
  const forward = forwardTo(socketPath);
  return (request, response, exchange) => {
    limitBody(request, response, options);
    forward(request, response, {
      onAnswer: () => limitStall(response, options.stallLimit),
      onUnreachable: (error) => {
        if (!isHangUp(error)) options.onError?.(error, request);
        reply(refusal(new RegistryError("UNAVAILABLE")), request, response, options, exchange);
      },
    });
  };
}

interface Api {
  readonly api: Backend;
  readonly registry: Registry;
  readonly forward: Answer | undefined;
  readonly options: Hooks;
}

function answering({ api, registry, forward, options }: Api): Answer {
  return (request, response, exchange) => {
    const { url = "", method = "" } = request;
    const headers = request.headers as Record<string, string>;
    const result = orElse(
      () => api.answer({ method, path: url, headers }, request, registry, exchange),
      (thrown) => refusalOf(thrown, api, request, options),
    );
    if (forward && result === ELSEWHERE) return forward(request, response, exchange);
    limitBody(request, response, options);
    void whenHere(result, (its) => reply(its, request, response, options, exchange));
  };
}

/** A body may stall on its way in; without one there is nothing to wait for but our own answer. */
function limitBody(request: IncomingMessage, response: ServerResponse, { stallLimit }: Hooks): void {
  if (request.method === "GET" || request.method === "HEAD") return;
  limitStall(response, stallLimit);
  // From then on the client waits for us: to hash what an earlier process received, or to copy a layer.
  request.once("end", () => limitStall(response, 0));
}

function refusalOf(thrown: unknown, api: Backend, request: IncomingMessage, { onError }: ServerOptions): AnyReply {
  const error = asRegistryError(thrown);
  // That the client went while it was sending is no fault of the server.
  if (error.code === "UNKNOWN" && thrown !== request.errored) onError?.(thrown, request);
  return refusal(error, error.code === "UNSUPPORTED" ? { Allow: allowedToRead(api.match(request.url ?? "")) } : {});
}

function reply(
  result: AnyReply,
  request: IncomingMessage,
  response: ServerResponse,
  options: Hooks,
  exchange: Exchange,
): void {
  const breakOff = (error: unknown): void => {
    if (!response.destroyed && !isHangUp(error)) options.onError?.(error, request);
    // Bytes are missing: a clean end would make the client believe that it has them all.
    response.destroy();
  };
  const { counts, started } = exchange;
  const gone = response.destroyed;
  try {
    const { transfers, handOver } = options;
    const sending = send(result, request, response, { transfers, meter: counts, handOver });
    // Most answers are with the kernel by now, and a promise and a timer for each would cost more than sending them.
    const sent = !sending && response.socket?.writableLength === 0;
    if (gone || sent) {
      counts.ended(request.method ?? "", gone ? NO_STATUS : result.status, secondsSince(started), !gone);
    } else {
      limitStall(response, options.stallLimit);
      countWhenClosed(request, response, exchange);
    }
    sending?.catch(breakOff);
  } catch (error) {
    countWhenClosed(request, response, exchange);
    breakOff(error);
  }
}

/** Clients stop pulls every day; whoever mends the server need not hear of it. */
const isHangUp = (error: unknown): boolean => HANG_UPS.has((error as NodeJS.ErrnoException | undefined)?.code ?? "");

const HANG_UPS: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "ECANCELED", "ERR_STREAM_DESTROYED"]);

const secondsSince = (started: number): number => (performance.now() - started) / 1000;

/** Of a request whose client went before it was answered. */
const NO_STATUS = 0;

function countWhenClosed({ method = "" }: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
  response.once("close", () => {
    const { statusCode, headersSent, writableFinished } = response;
    const { counts, started } = exchange;
    counts.ended(method, headersSent ? statusCode : NO_STATUS, secondsSince(started), writableFinished);
  });
}

/** Loading Express takes as long as everything else at start, and a pull does not need it. */
function lazySite(
  options: Hooks,
): (request: IncomingMessage, response: ServerResponse, exchange: Exchange) => Promise<void> {
  let loading: Promise<RequestListener> | undefined;
  return async (request, response, exchange) => {
    try {
      loading ??= import("./site.ts").then(({ createSite }) => createSite(options));
      const site = await loading;
      countWhenClosed(request, response, exchange);
      site(request, response);
    } catch (error) {
      // Loading needs files, and there may be none left to open; the next request tries again.
      loading = undefined;
      options.onError?.(error, request);
      reply(refusal(new RegistryError("UNAVAILABLE")), request, response, options, exchange);
    }
  };
}

/** What Node's parser lets through and HTTP forbids: no Host or two of them (RFC 9112, section 3.2). */
function problemOf({ rawHeaders, httpVersion }: IncomingMessage): RegistryError | undefined {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length === 4 && (name === "Host" || name.toLowerCase() === "host")) hosts++;
  }
  const valid = hosts === 1 || (hosts === 0 && httpVersion === "1.0");
  return valid ? undefined : new RegistryError("UNSUPPORTED", "a request has one Host header");
}

/** Proxies may send the whole URL (RFC 9112, section 3.2.2); only its path matters here. */
function originForm(url: string): string {
  if (url.startsWith("/")) return url;
  const [, path = ""] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(url) ?? [];
  return path.startsWith("/") ? path : `/${path}`;
}
