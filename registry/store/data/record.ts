import { createHash } from "node:crypto";
import { isObject } from "../../json.ts";

/** A small file that shows by itself whether it is whole: a line of JSON, a line with its SHA-256, and what may follow. */
export function encodeRecord(fields: Readonly<Record<string, unknown>>, body: Uint8Array = new Uint8Array(0)): Buffer {
  const line = JSON.stringify(fields);
  return Buffer.concat([Buffer.from(`${line}\n${checksumOf(line)}\n`), body]);
}

/** Undefined when the record is torn or was changed. The body is not covered: it has a digest of its own. */
export function decodeRecord(bytes: Buffer): { fields: Record<string, unknown>; body: Buffer } | undefined {
  const first = bytes.indexOf(LINE_END);
  const second = first < 0 ? -1 : bytes.indexOf(LINE_END, first + 1);
  if (second < 0) return undefined;
  const line = bytes.toString("utf8", 0, first);
  if (bytes.toString("latin1", first + 1, second) !== checksumOf(line)) return undefined;
  const fields: unknown = JSON.parse(line);
  return isObject(fields) ? { fields, body: bytes.subarray(second + 1) } : undefined;
}

const LINE_END = 10;

const checksumOf = (line: string): string => createHash("sha256").update(line).digest("hex");
