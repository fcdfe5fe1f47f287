import { archives } from "./archives.ts";
import { blobs } from "./blobs.ts";
import { fairness } from "./fairness.ts";
import { images } from "./images.ts";
import { lists } from "./lists.ts";
import { log } from "./log.ts";
import { loop } from "./loop.ts";
import { manifests } from "./manifests.ts";
import { memory } from "./memory.ts";
import { ranges } from "./ranges.ts";
import { readers } from "./readers.ts";
import type { Scenario } from "./scenario.ts";
import { smallPushes } from "./small-pushes.ts";
import { start } from "./start.ts";
import { tar } from "./tar.ts";
import { uploads } from "./uploads.ts";

/** In the order in which they run and are printed. */
export const SCENARIOS: readonly Scenario[] = [
  manifests,
  log,
  blobs,
  ranges,
  tar,
  images,
  readers,
  memory,
  smallPushes,
  uploads,
  fairness,
  loop,
  start,
  lists,
  archives,
];
