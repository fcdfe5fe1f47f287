import { isName, isTag, type Tag } from "../reference.ts";

/** What an image is called: a repository, and a tag unless it is only known by digest. */
export interface ImageName {
  readonly repository: string;
  readonly tag?: Tag;
}

/**
 * A reference that an archive carries (`docker.io/library/nginx:1.27`, `localhost:5000/team/app:1`, `demo/app`), without
 * its host. Undefined for what is no legal name; what is only a tag is none either.
 */
export function parseCarriedName(text: string): ImageName | undefined {
  const [name = ""] = text.split("@", 1);
  const slash = name.lastIndexOf("/");
  const colon = name.indexOf(":", slash + 1);
  const repository = withoutHost(colon < 0 ? name : name.slice(0, colon));
  const tag = colon < 0 ? "latest" : name.slice(colon + 1);
  if (!isName(repository) || !isTag(tag)) return undefined;
  // crane writes this tag when it pulled by digest.
  if (text.includes("@") || tag === "i-was-a-digest") return { repository };
  return { repository, tag };
}

/** What comes first is a host when it has a dot or a port, or is `localhost`; as docker reads names. */
function withoutHost(name: string): string {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || first.includes(".") || first.includes(":");
  return isHost ? name.slice(slash + 1) : name;
}

/** Whether a carried name is no more than a tag, as skopeo, oras and umoci write it. */
export const isOnlyTag = (text: string): text is Tag => isTag(text);

/** `1.4`, `v2`, `2026-11`, `latest`: what people use as tags, and never as the name of an image. */
export const isVersionLike = (text: string): boolean => /^v?\d/.test(text) || text === "latest";

/** What people call a file after its form. */
const EXTENSION = /\.(tar|tgz|tzst|oci|docker)$|\.tar\.(gz|zst|zstd)$|\.(gz|zst)$/i;

/**
 * The name of an archive that carries none, out of its path below the folder:
 *
 * | path | name |
 * |---|---|
 * | `team/web/1.4.tar` | `team/web:1.4` |
 * | `web_1.4.tar` | `web:1.4` |
 * | `team+web+1.4.tar`, `docker.io+team+web+1.4.tar` | `team/web:1.4` |
 * | `team/web.tar` | `team/web:latest` |
 *
 * Undefined when that is no legal name.
 */
export function nameOfPath(path: string): ImageName | undefined {
  const segments = path.split("/");
  const base = (segments.pop() ?? "").replace(EXTENSION, "");
  const [folders, tag] = splitBase(segments, base);
  const repository = withoutHost(folders.join("/")).toLowerCase();
  return isName(repository) && isTag(tag) ? { repository, tag } : undefined;
}

function splitBase(folders: readonly string[], base: string): [string[], string] {
  if (base.includes("+")) {
    const parts = base.split("+");
    const tag = parts.pop() ?? "";
    return [[...folders, ...parts], tag];
  }
  if (isVersionLike(base) && folders.length > 0) return [[...folders], base];
  const [, name, version] = /^(.+)_(v?\d[^_]*|latest)$/.exec(base) ?? [];
  if (name !== undefined && version !== undefined) return [[...folders, name], version];
  return [[...folders, base], "latest"];
}

/** The name that `<repository>/<tag>/` gives to what lies in it; undefined when that is no legal name. */
export function nameOfFolder(segments: readonly string[]): ImageName | undefined {
  const tag = segments[segments.length - 1] ?? "";
  const repository = segments.slice(0, -1).join("/");
  return isName(repository) && isTag(tag) ? { repository, tag } : undefined;
}
