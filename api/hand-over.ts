import type { IncomingHttpHeaders } from "node:http";
import { isAbsolute, join, relative, sep } from "node:path";
import type { Body } from "../registry/registry.ts";
import type { AnyReply } from "./operation.ts";

/**
 * The header by which a proxy in front of the server is told to send the file of a path; undefined when it may not or
 * cannot send that one.
 */
export type HandOver = (path: string) => Readonly<Record<string, string>> | undefined;

/** A folder that nginx may send from, and where its configuration has it. */
export interface InternalFolder {
  readonly folder: string;
  /** Begins and ends with a slash. */
  readonly uri: string;
}

/** For nginx: `X-Accel-Redirect` with the place of the file below an internal location. */
export const accelRedirect =
  (folders: readonly InternalFolder[]): HandOver =>
  (path) => {
    for (const { folder, uri } of folders) {
      const inside = pathIn(folder, path);
      if (inside !== undefined) return { "X-Accel-Redirect": uri + encode(inside) };
    }
    return undefined;
  };

/** For Apache and lighttpd: `X-Sendfile` with the path of the file, when it lies in one of these folders. */
export const xSendfile =
  (folders: readonly string[]): HandOver =>
  (path) => {
    for (const folder of folders) {
      const inside = pathIn(folder, path);
      if (inside !== undefined) return { "X-Sendfile": encode(join(folder, inside)) };
    }
    return undefined;
  };

/**
 * The reply that lets the proxy send the blob of this one; undefined when it has to be sent as it is. The proxy knows only
 * whole files, and takes a part out by itself when the client asked for one: that range it has to read as we did, so what
 * we take for no range at all is not left to it.
 */
export function handedOver(
  { status, headers, body }: AnyReply,
  request: IncomingHttpHeaders,
  handOver: HandOver,
): AnyReply | undefined {
  if (body?.kind !== "file" || !isWholeFile(body, headers) || CONDITIONS.some((name) => name in request))
    return undefined;
  const { range } = request;
  if (status !== (range === undefined ? 200 : 206)) return undefined;
  const told = handOver(body.path);
  // nginx says of a whole file that it gives ranges, and would say it twice, but not of a part.
  const acceptRanges = status === 206 ? headers["Accept-Ranges"] : undefined;
  return told && { status: 200, headers: { ...headers, ...NO_BODY, "Accept-Ranges": acceptRanges, ...told } };
}

/** nginx compares them with what it knows of the file, which has another ETag for it. */
const CONDITIONS = ["if-match", "if-modified-since", "if-unmodified-since"];

const NO_BODY = { "Content-Length": "0", "Content-Range": undefined };

/** A blob that begins where its file does is all that is in the file, or it would not have been opened. */
function isWholeFile(body: Extract<Body, { kind: "file" }>, headers: AnyReply["headers"]): boolean {
  const [, start = "0"] = /^bytes (\d+)-/.exec(headers["Content-Range"] ?? "") ?? [];
  return body.offset === Number(start);
}

function pathIn(folder: string, path: string): string | undefined {
  const inside = relative(folder, path);
  const leadsOut = inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  return leadsOut ? undefined : inside;
}

const encode = (path: string): string => path.split(sep).map(encodeURIComponent).join("/");
