import { fileURLToPath } from "node:url";

/** Path of a compiled program of the benchmark, such as `clients/push-client.js`. */
export const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Path of a file of the project, such as `bench/RESULTS.md`. */
export const projectFile = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
