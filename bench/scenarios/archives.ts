import { measureDrop } from "./drop.ts";
import { measureMembers } from "./members.ts";
import type { Scenario } from "./scenario.ts";

/** What is special about archives that are dropped into the folder. */
export const archives: Scenario = {
  name: "archives",
  title: "Archives that are dropped into the folder",
  quick: false,
  measure: async (bench) => [...(await measureDrop(bench)), ...(await measureMembers(bench))],
};
