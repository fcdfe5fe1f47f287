import { join, resolve } from "node:path";
import { accelRedirect, type HandOver, xSendfile } from "../api/hand-over.ts";
import type { ServeCommand } from "./usage.ts";

/** Where the configuration of nginx has the folders (docs/nginx.md). */
const IMAGES = "/ociregistry-images/";
const BLOBS = "/ociregistry-blobs/";

/**
 * How the proxy that the command line names is told to send blobs: those of the folder of archives, which has to be given
 * without links, as its store names what lies in it, and those pushed.
 */
export function handOverTo({
  proxySendsBlobs,
  folder,
  data,
}: Pick<ServeCommand, "proxySendsBlobs" | "folder" | "data">): HandOver | undefined {
  if (proxySendsBlobs === undefined) return undefined;
  const blobs = join(resolve(data), "blobs");
  return proxySendsBlobs === "nginx"
    ? accelRedirect([
        { folder, uri: IMAGES },
        { folder: blobs, uri: BLOBS },
      ])
    : xSendfile([folder, blobs]);
}
