import type { components } from "../gen/openapi.ts";

/** The codes of ociregistry.yaml: those of the distribution specification and Docker's additions. */
export type ErrorCode = components["schemas"]["ErrorCode"];

/** The one place that says what a code means: its HTTP status and the sentence that a person reads. */
export const ERRORS = {
  BLOB_UNKNOWN: { status: 404, message: "This repository has no such blob" },
  BLOB_UPLOAD_INVALID: { status: 400, message: "The upload cannot go on" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: "There is no such upload; start a new one" },
  DIGEST_INVALID: { status: 400, message: "The digest is malformed or does not match the content" },
  MANIFEST_BLOB_UNKNOWN: { status: 400, message: "The manifest refers to content that this repository does not have" },
  MANIFEST_INVALID: { status: 400, message: "The manifest is not valid" },
  MANIFEST_UNKNOWN: { status: 404, message: "This repository has no such manifest" },
  NAME_INVALID: { status: 400, message: "The repository name is not valid" },
  NAME_UNKNOWN: { status: 404, message: "There is no such repository" },
  SIZE_INVALID: { status: 413, message: "The content is too large" },
  UNAUTHORIZED: { status: 401, message: "Log in first" },
  DENIED: { status: 403, message: "You may not do this" },
  UNSUPPORTED: { status: 405, message: "This registry does not support the operation" },
  TOOMANYREQUESTS: { status: 429, message: "Too many requests; try again later" },
  UNKNOWN: { status: 500, message: "The server failed; its log has the cause" },
  INSUFFICIENT_STORAGE: { status: 507, message: "The server has no room left for this content" },
  UNAVAILABLE: { status: 503, message: "The server cannot give this now; try again shortly" },
  RANGE_INVALID: { status: 416, message: "The range does not fit the content" },
  TAG_INVALID: { status: 400, message: "The tag is not valid" },
  PAGINATION_NUMBER_INVALID: { status: 400, message: "The page size n must be a whole number, 0 or more" },
} as const satisfies Record<ErrorCode, { status: number; message: string }>;

/** The refusal to delete what a manifest of the same repository is made of. */
export const inUse = (digest: string, user: string): RegistryError =>
  new RegistryError("UNSUPPORTED", `${digest} is a part of the manifest ${user}; delete that first`);

/**
 * A refusal that a client can understand. `detail` says what it was about, for a person, and never holds a path of the
 * server. Anything else that is thrown is a bug and becomes UNKNOWN.
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  /** With RANGE_INVALID: how many bytes there are. */
  readonly size: number | undefined;
  /** What was asked for is there, and cannot be read any more: nothing else may be given in its place. */
  readonly damaged: boolean;

  constructor(code: ErrorCode, detail?: string, options: { size?: number; cause?: unknown; damaged?: boolean } = {}) {
    super(detail === undefined ? ERRORS[code].message : `${ERRORS[code].message}: ${detail}`, {
      cause: options.cause,
    });
    this.code = code;
    this.detail = detail;
    this.size = options.size;
    this.damaged = options.damaged ?? false;
  }
}
