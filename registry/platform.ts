import { fieldsOf } from "./json.ts";

/** `linux/arm/v7`, as a config or a descriptor says it; empty when it does not. */
export function platformOf(value: unknown): string {
  const { os, architecture, variant } = fieldsOf(value);
  return [os, architecture, variant].filter((part) => typeof part === "string" && part !== "").join("/");
}
