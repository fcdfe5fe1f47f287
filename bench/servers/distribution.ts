import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findGoProgram } from "./find-program.ts";
import type { Peer } from "./peer.ts";
import { startAnswering } from "./server-process.ts";

/** The reference registry, configured like the container image of it: blob descriptors are remembered in memory. */
export const distribution: Peer = {
  name: "distribution",
  find: () =>
    findGoProgram({
      names: ["registry"],
      versionArgs: ["--version"],
      version: /^3\./,
      module: "github.com/distribution/distribution/v3",
      moduleVersion: "v3.1.2",
      package: "cmd/registry",
    }),
  start(program, folder, port) {
    const config = join(folder, "config.yml");
    writeFileSync(
      config,
      `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${JSON.stringify(join(folder, "data"))} }
  delete: { enabled: true }
catalog: { maxentries: 10000 }
http: { addr: "127.0.0.1:${port}" }
`,
    );
    return startAnswering(program, ["serve", config], { port, env: { OTEL_TRACES_EXPORTER: "none" } });
  },
};
