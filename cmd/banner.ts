import { sizeOf } from "../registry/archive/image.ts";
import type { Scan } from "../registry/store/scan.ts";
import { count, formatBytes } from "./format.ts";
import type { Listening } from "./listen.ts";
import { version } from "./version.ts";

export interface Started {
  readonly folder: string;
  readonly scan: Scan;
  readonly listening: Listening;
}

/** For a person at a terminal: what was found, where it is served, and a command for each client that works as it is. */
export function banner({ folder, scan, listening }: Started): string {
  const { origin, addresses } = listening;
  const host = origin.slice("http://".length);
  const [image] = scan.images;
  const lines = [
    `ociregistry ${version} serves ${folder}`,
    "",
    `  ${summary(scan)}`,
    ...scan.skipped.map(({ path, reason }) => `  skipped ${path}: ${reason}`),
    "",
    `  API documentation  ${origin}/docs/`,
    `  listening on       ${addresses.join(", ")}`,
    "",
    ...(image ? commands(`${host}/${image.repository}:${image.tag}`).map((command) => `  ${command}`) : NO_IMAGES),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** For a log: the same in one line. */
export function logLine({ folder, scan, listening }: Started): string {
  const skipped = scan.skipped.length === 0 ? "" : `, ${scan.skipped.length} skipped (see ociregistry list)`;
  return `ociregistry ${version} serves ${folder} at ${listening.origin}: ${summary(scan)}${skipped}\n`;
}

function summary({ images }: Scan): string {
  const repositories = new Set(images.map(({ repository }) => repository)).size;
  const bytes = images.reduce((sum, image) => sum + sizeOf(image), 0);
  const names = count(repositories, "repository", "repositories");
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

const NO_IMAGES = [
  "  Nothing to pull yet. Add an image and start again:",
  "    mkdir -p images/alpine/3.20",
  "    crane pull alpine:3.20 - | tar -x -C images/alpine/3.20",
];
