import { fileURLToPath } from "node:url";

/** Path of a compiled program, relative to the benchmark. */
export const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
