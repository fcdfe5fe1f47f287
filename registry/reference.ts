import { createHash } from "node:crypto";
import { RegistryError } from "./errors.ts";

declare const parsed: unique symbol;

/** `algorithm:encoded`, known to be well-formed. sha256 and sha512 have lower-case hex of the right length. */
export type Digest = `${string}:${string}` & { readonly [parsed]: "digest" };
/** Up to 128 letters, digits, `_`, `.` and `-`; never begins with `.` or `-`. */
export type Tag = string & { readonly [parsed]: "tag" };
/** What names a manifest. */
export type Reference = Digest | Tag;

// Grammar: distribution-spec "Pulling manifests", image-spec "Digests".
const NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
/** What nearly every digest is, told in one step. */
const SHA256 = /^sha256:[a-f0-9]{64}$/;
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha512", 128],
]);
const NAME_LIMIT = 255;
const DIGEST_LIMIT = 255;

export const isName = (text: string): boolean => text.length <= NAME_LIMIT && NAME.test(text);

export const isTag = (text: string): text is Tag => TAG.test(text);

export function isDigest(text: string): text is Digest {
  if (SHA256.test(text)) return true;
  if (text.length > DIGEST_LIMIT || !DIGEST.test(text)) return false;
  const colon = text.indexOf(":");
  const length = HEX_LENGTHS.get(text.slice(0, colon));
  const encoded = text.slice(colon + 1);
  return length === undefined || (encoded.length === length && /^[a-f0-9]+$/.test(encoded));
}

const LIBRARY = "library/";

/** A name of one segment and `library/<name>` are the same repository, as on Docker Hub. */
export function canonicalName(name: string): string {
  return name.startsWith(LIBRARY) && !name.includes("/", LIBRARY.length) ? name.slice(LIBRARY.length) : name;
}

/** Throws DIGEST_INVALID. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new RegistryError("DIGEST_INVALID", quote(text));
  return text;
}

/** Throws TAG_INVALID. */
export function parseTag(text: string): Tag {
  if (!isTag(text)) throw new RegistryError("TAG_INVALID", quote(text));
  return text;
}

/**
 * What a client asks for: with a colon it is a digest, else a tag. Throws DIGEST_INVALID, and MANIFEST_UNKNOWN for what
 * can be no tag: the conformance suite reads `.INVALID_MANIFEST_NAME` and wants 404.
 */
export function parseReference(text: string): Reference {
  if (text.includes(":")) return parseDigest(text);
  if (!isTag(text)) throw new RegistryError("MANIFEST_UNKNOWN", `${quote(text)} is not a valid tag`);
  return text;
}

/** Tells the two kinds of a parsed reference apart: no tag has a colon. */
export const refersByDigest = (reference: Reference): reference is Digest => reference.includes(":");

/** The algorithm that a digest was made with: `sha256`, `sha512`, or another that is unknown here. */
export const algorithmOf = (digest: Digest): string => digest.slice(0, digest.indexOf(":"));

/** The algorithms that content can be stored under. */
export type HashAlgorithm = "sha256" | "sha512";

/** The algorithm to check a digest with. Throws DIGEST_INVALID for one that nothing can be stored under. */
export function hashAlgorithmOf(digest: Digest): HashAlgorithm {
  const algorithm = algorithmOf(digest);
  if (algorithm === "sha256" || algorithm === "sha512") return algorithm;
  throw new RegistryError("DIGEST_INVALID", `content is stored under sha256 or sha512, not ${quote(algorithm)}`);
}

export const digestOf = (bytes: Uint8Array, algorithm: HashAlgorithm = "sha256"): Digest =>
  digestFrom(algorithm, createHash(algorithm).update(bytes).digest("hex"));

/** Throws DIGEST_INVALID when `encoded` does not fit the algorithm. */
export const digestFrom = (algorithm: string, encoded: string): Digest => parseDigest(`${algorithm}:${encoded}`);

/** What a client sent, for an error message: quoted, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
