import type { Bench } from "../bench.ts";
import type { Figure } from "../measure/figure.ts";

/** Something that is measured, chosen by its name. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Whether it is part of a quick run. */
  readonly quick: boolean;
  /** Throws Missing when the machine lacks something that it cannot do without. */
  measure(bench: Bench): Promise<Figure[]>;
}
