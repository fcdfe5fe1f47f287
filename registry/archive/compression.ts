export type Compression = "none" | "gzip" | "zstd";

/** How many first bytes `sniffCompression` looks at. */
export const MAGIC_LENGTH = 4;

/** How a layer is compressed, by its first bytes: names lie (crane called every layer `.tar.gz` until 2026). */
export function sniffCompression(head: Uint8Array): Compression {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  // A skippable frame may come first (RFC 8878, section 3.1.2).
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}
