import { RegistryError } from "./errors.ts";
import type { ByteRange, Content } from "./registry.ts";

/**
 * The bytes that a range means in content of `size` bytes; the end is clamped to the content. Throws RANGE_INVALID when
 * no byte is left (RFC 9110, section 14.1.2).
 */
export function resolveRange(range: ByteRange | undefined, size: number): Content["range"] {
  if (range === undefined) return { start: 0, end: size };
  const start = "suffix" in range ? Math.max(0, size - range.suffix) : range.start;
  const end = "suffix" in range ? size : Math.min(range.end ?? size, size);
  if (start >= end) throw new RegistryError("RANGE_INVALID", `the content has ${size} bytes`, { size });
  return { start, end };
}
