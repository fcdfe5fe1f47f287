import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { projectRoot } from "../support/root.ts";
import { Background } from "./background.ts";
import type { Cleanup } from "./cleanup.ts";
import { findProgram } from "./programs.ts";

/** What stands in front of a server, and where the files are that it may send. */
export interface NginxOptions {
  readonly port: number;
  readonly images: string;
  readonly data: string;
}

/** Starts nginx with the configuration that docs/nginx.md prints; only the addresses and folders are others. */
export async function startNginx(folder: string, cleanup: Cleanup, options: NginxOptions): Promise<{ port: number }> {
  const port = await freePort();
  const changes = [
    ["server 127.0.0.1:8080;", `server 127.0.0.1:${options.port};`],
    ["listen 80;", `listen 127.0.0.1:${port};`],
    ["alias /srv/images/;", `alias ${options.images}/;`],
    ["alias /srv/data/blobs/;", `alias ${options.data}/blobs/;`],
  ] as const;
  const config = changes.reduce((text, [printed, wanted]) => {
    if (text.split(printed).length !== 2) throw new Error(`docs/nginx.md does not have "${printed}" once`);
    return text.replace(printed, wanted);
  }, printedConfig());
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "ociregistry.conf"), config);
  await writeFile(join(folder, "nginx.conf"), around(folder));
  const nginx = new Background(findProgram("nginx"), ["-p", folder, "-c", join(folder, "nginx.conf")], cleanup);
  await nginx.started(() => fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined));
  return { port };
}

function printedConfig(): string {
  const page = readFileSync(join(projectRoot(), "docs/nginx.md"), "utf8");
  const [, config] = /^```nginx\n(.*?)^```$/ms.exec(page) ?? [];
  if (config === undefined) throw new Error("docs/nginx.md has no configuration");
  return config;
}

/** As in the nginx.conf of a system, but all in one folder. Workers are who ociregistry is, as the page says. */
const around = (folder: string): string => `
daemon off;
pid ${folder}/pid;
error_log stderr;
worker_processes 2;
${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  include ${folder}/ociregistry.conf;
}
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
