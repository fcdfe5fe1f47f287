import { RegistryError } from "./errors.ts";
import type { Registry } from "./registry.ts";

/** Every method, by whether it gives a promise or a list. A method added to `Registry` does not compile without it. */
const METHODS = {
  getBlob: "promise",
  statBlob: "promise",
  getManifest: "promise",
  statManifest: "promise",
  startUpload: "promise",
  resumeUpload: "promise",
  mountBlob: "promise",
  pushManifest: "promise",
  deleteBlob: "promise",
  deleteManifest: "promise",
  deleteTag: "promise",
  listRepositories: "list",
  listTags: "list",
  listReferrers: "list",
} as const satisfies Record<keyof Registry, "promise" | "list">;

/** A registry from whatever methods there are; the others answer UNSUPPORTED and say why. */
export function complete(parts: Partial<Registry>, why: string): Registry {
  const refuse = async (): Promise<never> => {
    throw new RegistryError("UNSUPPORTED", why);
  };
  // biome-ignore lint/correctness/useYield: a list refuses on its first step, before it could yield anything
  const refuseList = async function* (): AsyncGenerator<never> {
    throw new RegistryError("UNSUPPORTED", why);
  };
  const refusals = Object.entries(METHODS).map(([method, kind]) => [method, kind === "list" ? refuseList : refuse]);
  return { ...(Object.fromEntries(refusals) as Registry), ...parts };
}
