import type { IncomingMessage } from "node:http";
import type { operations } from "../gen/openapi.ts";
import type { Body, ByteStream, Registry } from "../registry/registry.ts";
import type { Soon } from "../registry/soon.ts";

/**
 * What a handler is, derived from ociregistry.yaml. A missing handler, an undeclared status, a forgotten required header
 * and a misspelt parameter do not compile.
 */
export type OperationId = keyof operations;

/** A parsed and validated request. */
export interface Request<Id extends OperationId> {
  readonly path: Part<Id, "path">;
  /** What the document declares; other query parameters are dropped. */
  readonly query: Part<Id, "query">;
  /** The declared headers, their names in lower case, as Node has them. */
  readonly headers: LowercaseKeys<Part<Id, "header">>;
  /** The media type of the body without parameters, in lower case; empty when there is none. */
  readonly contentType: string;
  /** The address of whoever asks; of clients behind one proxy it is the same. */
  readonly client: string;
  /** The body as it arrives. A handler that does not want it leaves it alone. */
  readonly body: ByteStream;
}

/** One of the answers that the document declares for the operation. Refusals are thrown as `RegistryError`. */
export type Reply<Id extends OperationId> = {
  [S in Status<Id>]: {
    readonly status: S;
    readonly headers: Headers<operations[Id]["responses"][S]>;
  } & Payload<operations[Id]["responses"][S]>;
}[Status<Id>];

/** A pure translation: a request in, calls of the registry, an answer out. It sees no socket and opens no file. */
export type Handler<Id extends OperationId> = (request: Request<Id>, registry: Registry) => Soon<Reply<Id>>;

/** A handler for every operation. */
export type Handlers = { readonly [Id in OperationId]: Handler<Id> };

/** Any reply, for the code that sends it. */
export interface AnyReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
  readonly body?: Body;
}

/** Headers of every answer; declared in the document and added when it is sent, so no handler names them. */
export const COMMON_HEADERS = {
  "Docker-Distribution-Api-Version": "registry/2.0",
  "X-Content-Type-Options": "nosniff",
} as const;

export type Incoming = IncomingMessage;

type Part<Id extends OperationId, K extends "path" | "query" | "header"> = operations[Id]["parameters"] extends {
  readonly [P in K]?: infer Values;
}
  ? [Exclude<Values, undefined>] extends [never]
    ? Record<never, never>
    : Exclude<Values, undefined>
  : Record<never, never>;

type LowercaseKeys<T> = { readonly [K in keyof T as Lowercase<K & string>]: T[K] };

type Status<Id extends OperationId> = keyof operations[Id]["responses"] & number;

type KnownKeys<T> = keyof { [K in keyof T as string extends K ? never : K]: T[K] };

type Headers<Response> = Response extends { headers: infer H }
  ? Omit<Pick<H, KnownKeys<H>>, keyof typeof COMMON_HEADERS>
  : Record<never, never>;

/** JSON is given as a value and serialised once; what is stored is given as bytes and sent as it is. */
type Payload<Response> = Response extends { content: infer C }
  ? C extends { readonly "application/json": infer Json }
    ? { readonly json: Json }
    : C extends { readonly "application/vnd.oci.image.index.v1+json": infer Index }
      ? Exclude<keyof C, "application/vnd.oci.image.index.v1+json"> extends never
        ? { readonly json: Index }
        : { readonly body: Body }
      : { readonly body: Body }
  : unknown;
