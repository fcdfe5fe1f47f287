import { join } from "node:path";
import { type Catalogue, sizeOf } from "../registry/store/catalogue.ts";
import { count, formatBytes, printable } from "./format.ts";
import type { Listening } from "./listen.ts";
import { version } from "./version.ts";

export interface Started {
  readonly folder: string;
  readonly catalogue: Catalogue;
  readonly listening: Listening;
}

/** For a person at a terminal: what was found, where it is served, and a command for each client that works as it is. */
export function banner({ folder, catalogue, listening }: Started): string {
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
    "",
    ...(image ? commands(`${host}/${image}`).map((command) => `  ${command}`) : noImages(folder)),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** For a log: the same in one line. */
export const logLine = ({ folder, catalogue, listening }: Started): string =>
  `ociregistry ${version} serves ${folder} at ${listening.origin}: ${summary(catalogue)}${skippedOf(catalogue)}\n`;

/** What the folder gives after a change, in one line. */
export const changeLine = ({ folder, catalogue }: Omit<Started, "listening">): string =>
  `${folder} has changed: ${summary(catalogue)}${skippedOf(catalogue)}\n`;

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
