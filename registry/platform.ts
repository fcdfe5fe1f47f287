import { fieldsOf } from "./json.ts";

/** Not so for what attests to an image: it stands beside it in the index, for a platform that is none. */
export const isRealPlatform = (platform: string): boolean => platform !== "" && !platform.startsWith("unknown");

/** `linux/arm/v7`, as a config or a descriptor says it; empty when it does not. */
export function platformOf(value: unknown): string {
  const { os, architecture, variant } = fieldsOf(value);
  return [os, architecture, variant].filter((part) => typeof part === "string" && part !== "").join("/");
}
