import type { Digest } from "../registry/reference.ts";
import type { ByteRange } from "../registry/registry.ts";

/** The entity tag of content: its digest, strong, because the bytes never change under it. */
export const etagOf = (digest: Digest): string => `"${digest}"`;

/**
 * Whether `If-None-Match` names this content, in any form that is legal (RFC 9110, section 13.1.2: strong, weak, a list,
 * `*`) or in use (the bare digest).
 */
export function isNoneMatch(header: string | undefined, digest: Digest): boolean {
  if (header === undefined) return false;
  return header.split(",").some((item) => {
    const tag = item.trim();
    const opaque = tag.startsWith("W/") ? tag.slice(2) : tag;
    return tag === "*" || opaque === digest || opaque === etagOf(digest);
  });
}

/**
 * The one range of bytes that a request asks for; undefined when the whole content is to be sent: no range, several, an
 * unknown unit, a malformed one (RFC 9110, section 14.2), or `If-Range` with another tag. A range whose end lies before
 * its start is kept: no byte fits it, and the conformance suite wants 416.
 */
export function parseRange(
  header: string | undefined,
  ifRange: string | undefined,
  digest: Digest,
): ByteRange | undefined {
  if (header === undefined) return undefined;
  if (ifRange !== undefined && ifRange.trim() !== etagOf(digest)) return undefined;
  const [, first = "", last = ""] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header.trim()) ?? [];
  if (first !== "") return last === "" ? { start: Number(first) } : { start: Number(first), end: Number(last) + 1 };
  return last === "" ? undefined : { suffix: Number(last) };
}
