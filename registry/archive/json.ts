import { Unusable } from "./unusable.ts";

/** Manifests, indexes and configs are small; what is larger is none (distribution-spec, "Pushing Manifests"). */
export const JSON_LIMIT = 4 * 1024 * 1024;

/** Throws for what is not UTF-8, where others would put a question mark. */
const STRICT = new TextDecoder("utf-8", { fatal: true });

/** Throws Unusable, with `shown` as the name of what is wrong. */
export function parseJson(bytes: Uint8Array, shown: string): unknown {
  try {
    return JSON.parse(STRICT.decode(bytes));
  } catch (cause) {
    throw new Unusable(`${shown} is not JSON; export the image again`, { cause });
  }
}
