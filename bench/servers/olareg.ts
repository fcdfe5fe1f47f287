import { join } from "node:path";
import { findGoProgram } from "./find-program.ts";
import type { Peer } from "./peer.ts";
import { startAnswering } from "./server-process.ts";

export const olareg: Peer = {
  name: "olareg",
  find: () =>
    findGoProgram({
      names: ["olareg"],
      versionArgs: ["version"],
      version: /^0\./,
      module: "github.com/olareg/olareg",
      moduleVersion: "v0.2.2",
      package: "cmd/olareg",
    }),
  start(program, folder, port) {
    const args = ["--addr", "127.0.0.1", "--port", String(port), "--dir", join(folder, "data")];
    // A collection of garbage in the middle of a measurement would be bad luck.
    return startAnswering(program, ["serve", ...args, "--gc-frequency", "-1s"], { port });
  },
};
