import type { Snapshot } from "../api/metrics-text.ts";
import type { Transfers } from "../api/transfers.ts";
import type { ErrorCode } from "../registry/errors.ts";
import type { Digest, Reference } from "../registry/reference.ts";
import type { ByteRange } from "../registry/registry.ts";
import type { AnswerOptions } from "./answer-clients.ts";
import type { Listening } from "./listen.ts";
import type { ServeCommand } from "./usage.ts";

/** What a worker wants to know of the process that has the registry. */
export type Question =
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: Reference }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest; readonly range?: ByteRange }
  | { readonly kind: "stat-blob"; readonly repository: string; readonly digest: Digest };

/** What a worker says. `id` names the question, or what it is the answer to. */
export type FromWorker =
  | { readonly say: "ready" }
  | ({ readonly say: "listening" } & Omit<Listening, "close"> & Pick<Transfers, "way">)
  | { readonly say: "failed"; readonly message: string }
  | { readonly say: "log"; readonly lines: string }
  | { readonly say: "ended" }
  | { readonly say: "ask"; readonly id: number; readonly question: Question }
  | { readonly say: "heard"; readonly id: number }
  | { readonly say: "measured"; readonly id: number; readonly snapshot: Snapshot };

/**
 * What a worker is told. To forget and to stop it says at once that it has heard; when it has stopped, it says so, too, and
 * is told to leave, so that its last words are heard.
 */
export type ToWorker =
  | { readonly say: "answer"; readonly id: number; readonly value: unknown }
  | { readonly say: "refusal"; readonly id: number; readonly refusal: Refusal }
  | { readonly say: "forget"; readonly id: number; readonly repository?: string }
  | { readonly say: "measure"; readonly id: number }
  | { readonly say: "stop"; readonly id: number }
  | { readonly say: "leave" };

/** A `RegistryError` as it goes from one process to another. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: string;
  readonly size?: number;
  readonly damaged?: boolean;
}

/** What a worker is started with. */
export interface WorkerOptions extends AnswerOptions, Pick<ServeCommand, "accessLog"> {
  /** Where the process listens that has the registry. */
  readonly socketPath: string;
}
