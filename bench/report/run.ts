import { arch, cpus, release, totalmem } from "node:os";
import type { Figure } from "../measure/figure.ts";

/** Everything that one run has measured, and what it depends on. What `--json` writes. */
export interface Run extends Conditions {
  readonly scenarios: readonly Measured[];
  /** How long it took, with all preparations, in seconds. */
  readonly took: number;
}

/** What the figures of a run depend on. */
export interface Conditions {
  /** What was measured, such as `0.1.0, commit 0123abc + changes`. */
  readonly ociregistry: string;
  /** `2026-01-31` */
  readonly date: string;
  readonly machine: string;
  /** The version of the Node that our server and the bare ones ran on. */
  readonly node: string;
  readonly rounds: number;
  /** Of load on one server in one round. */
  readonly seconds: number;
  /** Of the others, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why, of the others that were not there, by name. */
  readonly missing: Readonly<Record<string, string>>;
}

/** What one scenario has measured. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** Why, when it could not be measured. */
  readonly missing?: string;
  /** How long it took, in seconds. */
  readonly took: number;
}

/** Of this machine, as a person would say it. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  return `${cpus().length} cores (${cpu?.model.trim()}), ${memory}, Linux ${release()} ${arch()}`;
}
