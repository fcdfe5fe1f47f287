import { createHash } from "node:crypto";
import { PROGRAM } from "../support/program.ts";
import { Background } from "./background.ts";
import type { Cleanup } from "./cleanup.ts";

/** Starts our server on a free port, and returns the host that image names begin with. */
export async function startServer(cleanup: Cleanup): Promise<string> {
  const command = [PROGRAM, "serve", "images", "--port", "0"];
  const server = new Background(process.execPath, command, cleanup);
  return server.started(async () => /http:\/\/(localhost:\d+)/.exec(server.output)?.[1]);
}

/** The digest of the manifest a tag stands for, computed from the bytes that the server sends. */
export async function servedDigest(host: string, name: string, tag: string): Promise<string> {
  const answer = await fetch(`http://${host}/v2/${name}/manifests/${tag}`);
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}`);
  return sha256(Buffer.from(await answer.arrayBuffer()));
}

/** The digest of some bytes, as registries write it. */
export function sha256(bytes: string | Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
