import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Missing } from "../missing.ts";
import { findInPath } from "./find-program.ts";
import type { Peer } from "./peer.ts";
import { startAnswering } from "./server-process.ts";

/** Not a registry: files under the paths that a registry has, sent by the kernel. What a server of any kind can reach. */
export const nginx: Peer = {
  name: "nginx",
  async find() {
    const found = await findInPath({ names: ["nginx"], versionArgs: ["-v"], version: /./ });
    if (found) return found;
    throw new Missing("not found: install the package nginx (Debian, Ubuntu: apt install nginx)");
  },
  start(program, folder, port) {
    const config = join(folder, "nginx.conf");
    writeFileSync(config, configOf(folder, port));
    return startAnswering(program, ["-p", folder, "-e", "stderr", "-c", config], { port });
  },
  place(folder, { images }) {
    for (const { repository, tag, manifest, blobs } of images) {
      const root = join(folder, "files/v2", repository);
      for (const { digest, path } of blobs) link(path, join(root, "blobs", digest));
      for (const reference of [tag, manifest.digest]) link(manifest.path, join(root, "manifests", reference));
    }
  },
};

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  linkSync(from, to);
}

/** One worker, as the others have one process; files stay open, connections too. */
const configOf = (folder: string, port: number): string => `
daemon off;
worker_processes 1;
pid nginx.pid;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=10m;
  open_file_cache_valid 10m;
  client_body_temp_path tmp-body; proxy_temp_path tmp-proxy; fastcgi_temp_path tmp-fastcgi;
  uwsgi_temp_path tmp-uwsgi; scgi_temp_path tmp-scgi;
  types {}
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${JSON.stringify(join(folder, "files"))};
    location = /v2/ { return 200 "{}"; }
    location ~ /manifests/ { default_type application/vnd.oci.image.manifest.v1+json; }
  }
}
`;
