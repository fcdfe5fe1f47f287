import type { components } from "../gen/openapi.ts";
import { ERRORS, RegistryError } from "../registry/errors.ts";
import type { AnyReply } from "./operation.ts";

/** The body of every refusal (distribution-spec, "Error Codes"). */
export type ErrorBody = components["schemas"]["Errors"];

export const errorBody = ({ code, detail }: RegistryError): ErrorBody => ({
  errors: [{ code, message: ERRORS[code].message, ...(detail === undefined ? {} : { detail }) }],
});

/** The answer to a refused request: the status of the code, OCI error JSON, and the headers that go with the status. */
export function refusal(error: RegistryError, headers: Readonly<Record<string, string>> = {}): AnyReply {
  return {
    status: ERRORS[error.code].status,
    headers: { ...headersOf(error), ...headers },
    json: errorBody(error),
  };
}

function headersOf({ code, size }: RegistryError): Record<string, string> {
  if (code === "RANGE_INVALID" && size !== undefined) return { "Content-Range": `bytes */${size}` };
  if (code === "UNAVAILABLE" || code === "TOOMANYREQUESTS") return { "Retry-After": "5" };
  return {};
}

/** What a client hears of something that was thrown: a refusal as it is, a bug as UNKNOWN without its cause. */
export const asRegistryError = (thrown: unknown): RegistryError =>
  thrown instanceof RegistryError ? thrown : new RegistryError("UNKNOWN", undefined, { cause: thrown });
