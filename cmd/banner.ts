import { join } from "node:path";
import { type Catalogue, sizeOf } from "../registry/store/catalogue.ts";
import type { Serving } from "./answer-clients.ts";
import { count, formatBytes, printable } from "./format.ts";
import type { ServeCommand } from "./usage.ts";
import { version } from "./version.ts";

export interface Started extends Serving {
  readonly command: Pick<ServeCommand, "folder" | "data" | "readOnly" | "host" | "native" | "proxySendsBlobs">;
  readonly catalogue: Catalogue;
}

/** For a person at a terminal: what was found, where it is served, and a command for each client that works as it is. */
export function banner({ command, catalogue, listening, transfers }: Started): string {
  const { folder, data, readOnly } = command;
  const { origin, addresses } = listening;
  const host = origin.slice("http://".length);
  const [image] = [...catalogue.repositories.values()].flatMap(({ name, tags }) =>
    [...tags.keys()].map((tag) => `${name}:${tag}`),
  );
  const lines = [
    `ociregistry ${version} serves ${folder}`,
    "",
    `  ${summary(catalogue)}`,
    ...catalogue.skipped.map(({ path, reason }) => printable(`  skipped ${path}: ${reason}`)),
    ...catalogue.warnings.map((warning) => printable(`  warning: ${warning}`)),
    "",
    `  API documentation  ${origin}/docs/`,
    `  listening on       ${addresses.join(", ")}`,
    `  pushes             ${readOnly ? "are refused" : `go to ${data}`}${warningOf(command)}`,
    `  blobs are sent     ${wayOf({ command, transfers })}`,
    "",
    ...(image ? commands(`${host}/${image}`).map((command) => `  ${command}`) : noImages(folder)),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** For a log: the same in one line. */
export const logLine = ({ command, catalogue, listening, transfers }: Started): string => {
  const { folder, data, readOnly } = command;
  const pushes = readOnly ? "read-only" : `pushes go to ${data}${warningOf(command)}`;
  return `ociregistry ${version} serves ${folder} at ${listening.origin}: ${summary(catalogue)}${skippedOf(catalogue)}; ${pushes}; blobs are sent ${wayOf({ command, transfers })}\n`;
};

/** What the folder gives after a change, in one line. */
export const changeLine = ({ folder, catalogue }: { folder: string; catalogue: Catalogue }): string =>
  `${folder} has changed: ${summary(catalogue)}${skippedOf(catalogue)}\n`;

const wayOf = (started: Pick<Started, "command" | "transfers">): string =>
  `${started.command.proxySendsBlobs ? "by the proxy where they are files, else " : ""}${ownWayOf(started)}`;

const ownWayOf = ({ command: { native }, transfers: { way } }: Pick<Started, "command" | "transfers">): string => {
  if (way === "sendfile") return "by the kernel (sendfile)";
  return native
    ? "by reading and writing (sendfile needs 64-bit Linux and the package koffi)"
    : "by reading and writing";
};

/** There are no accounts yet, so whoever can reach the server can push. */
const warningOf = ({ host, readOnly }: Started["command"]): string =>
  readOnly || host === undefined || LOCAL.has(host) ? "" : " (anyone who can reach this address may push; --read-only)";

const LOCAL: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

const skippedOf = ({ skipped }: Catalogue): string =>
  skipped.length === 0 ? "" : `, ${skipped.length} skipped (see ociregistry list)`;

function summary({ repositories }: Catalogue): string {
  const images = [...repositories.values()].flatMap(({ tags }) => [...tags.values()]);
  const bytes = images.reduce((sum, image) => sum + sizeOf(image), 0);
  const names = count(repositories.size, "repository", "repositories");
  return `${count(images.length, "image")} in ${names}, ${formatBytes(bytes)}`;
}

/** podman and skopeo ask for TLS also on this machine, docker and crane do not. */
const commands = (reference: string): string[] => [
  `crane pull ${reference} image.tar`,
  `docker pull ${reference}`,
  `podman pull --tls-verify=false ${reference}`,
  `skopeo inspect --tls-verify=false docker://${reference}`,
  `ctr images pull --plain-http ${reference}`,
];

const noImages = (folder: string): string[] => [
  "  Nothing to pull yet. Put an archive into the folder, and it is served within two seconds:",
  `    docker save alpine:3.20 -o ${join(folder, "alpine.tar")}`,
];
