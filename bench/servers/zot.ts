import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findGoProgram } from "./find-program.ts";
import type { Peer } from "./peer.ts";
import { startAnswering } from "./server-process.ts";

/** Without extensions: what its minimal build has. */
export const zot: Peer = {
  name: "zot",
  find: () =>
    findGoProgram({
      names: ["zot", "zot-linux-amd64-minimal", "zot-linux-arm64-minimal"],
      versionArgs: ["--version"],
      version: /^2\./,
      module: "zotregistry.dev/zot/v2",
      moduleVersion: "v2.1.20",
      package: "cmd/zot",
    }),
  start(program, folder, port) {
    const config = join(folder, "config.json");
    const storage = { rootDirectory: join(folder, "data"), gc: false };
    const http = { address: "127.0.0.1", port: String(port) };
    writeFileSync(config, JSON.stringify({ distSpecVersion: "1.1.1", storage, http, log: { level: "error" } }));
    return startAnswering(program, ["serve", config], { port });
  },
};
