import { readAll } from "../../registry/content.ts";
import { type ErrorCode, RegistryError } from "../../registry/errors.ts";
import { MEDIA_TYPES } from "../../registry/media-types.ts";
import { parseDigest, parseTag, type Reference, type Tag } from "../../registry/reference.ts";
import type { ByteStream, Descriptor, List, Piece, Registry, Upload } from "../../registry/registry.ts";

/**
 * A registry over HTTP: the inverse of api/. With it the contract that is asked of the stores is asked of the server.
 * `pageSize` makes lists come in pages, whose `Link`s it follows.
 */
export function remote(origin: string, { pageSize }: { pageSize?: number } = {}): Registry {
  const ask = async (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(new URL(path, origin), { method, redirect: "manual", ...init });
    if (response.ok) return response;
    if (method === "HEAD") await ask("GET", path);
    throw await refusalOf(response);
  };

  async function* pages<T>(
    path: string,
    after: string,
    entries: (json: unknown) => T[],
    query = new URLSearchParams(),
  ): List<T> {
    if (after) query.set("last", after);
    if (pageSize) query.set("n", `${pageSize}`);
    for (let next: string | undefined = `${path}?${query}`; next; ) {
      const response: Response = await ask("GET", next);
      yield entries(await response.json());
      [, next] = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "") ?? [];
    }
  }

  const manifest = async (name: string, reference: Reference) => {
    const response = await ask("GET", `/v2/${name}/manifests/${reference}`);
    return { descriptor: descriptorOf(response), bytes: Buffer.from(await response.arrayBuffer()) };
  };

  return {
    async getBlob(name, digest, { range } = {}) {
      const headers = range ? { range: rangeHeader(range) } : {};
      const response = await ask("GET", `/v2/${name}/blobs/${digest}`, { headers });
      const [, first = "0", last, total] =
        /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
      const size = Number(total ?? response.headers.get("content-length"));
      return {
        descriptor: { mediaType: MEDIA_TYPES.blob, digest, size },
        range: { start: Number(first), end: last === undefined ? size : Number(last) + 1 },
        body: {
          kind: "stream",
          stream: (response.body ?? []) as unknown as ByteStream,
          close: async () => response.body?.cancel(),
        },
      };
    },
    async statBlob(name, digest) {
      return descriptorOf(await ask("HEAD", `/v2/${name}/blobs/${digest}`));
    },
    getManifest: manifest,
    async statManifest(name, reference) {
      return descriptorOf(await ask("HEAD", `/v2/${name}/manifests/${reference}`));
    },

    async startUpload(name, { algorithm } = {}) {
      const query = algorithm ? `?digest-algorithm=${algorithm}` : "";
      return uploadAt(ask, await ask("POST", `/v2/${name}/blobs/uploads/${query}`));
    },
    async resumeUpload(name, id) {
      return uploadAt(ask, await ask("GET", `/v2/${name}/blobs/uploads/${id}`));
    },
    async mountBlob(name, digest, { from } = {}) {
      const source = from === undefined ? "" : `&from=${from}`;
      const response = await ask("POST", `/v2/${name}/blobs/uploads/?mount=${digest}${source}`);
      if (response.status !== 201) throw new RegistryError("BLOB_UNKNOWN", digest);
      return this.statBlob(name, digest);
    },
    async pushManifest(name, { mediaType, bytes, digest }, tags = []) {
      const [first] = tags;
      const query = new URLSearchParams(tags.map((tag): [string, string] => ["tag", tag]));
      const reference = digest ?? (tags.length === 1 ? first : undefined);
      if (!reference) throw new Error("Over HTTP a manifest is pushed by its digest or by one tag");
      const response = await ask("PUT", `/v2/${name}/manifests/${reference}${digest ? `?${query}` : ""}`, {
        headers: mediaType === undefined ? {} : { "content-type": mediaType },
        body: bytes as Uint8Array<ArrayBuffer>,
      });
      const subject = response.headers.get("oci-subject");
      const pushed = parseDigest(response.headers.get("docker-content-digest") ?? "");
      const descriptor = { mediaType: mediaType ?? "", digest: pushed, size: bytes.length };
      return subject === null ? { descriptor } : { descriptor, subject: parseDigest(subject) };
    },

    async deleteBlob(name, digest) {
      await ask("DELETE", `/v2/${name}/blobs/${digest}`);
    },
    async deleteManifest(name, digest) {
      await ask("DELETE", `/v2/${name}/manifests/${digest}`);
    },
    async deleteTag(name, tag) {
      await ask("DELETE", `/v2/${name}/manifests/${tag}`);
    },

    listRepositories: ({ after = "" } = {}) =>
      pages("/v2/_catalog", after, (json) => (json as { repositories: string[] }).repositories),
    listTags: (name, { after = "" } = {}) =>
      pages<Tag>(`/v2/${name}/tags/list`, after, (json) => (json as { tags: string[] }).tags.map(parseTag)),
    listReferrers(name, subject, { artifactTypes = [], after = "" } = {}) {
      const query = new URLSearchParams(artifactTypes.map((type): [string, string] => ["artifactType", type]));
      const manifestsIn = (json: unknown) => (json as { manifests: Descriptor[] }).manifests;
      return pages(`/v2/${name}/referrers/${subject}`, after, manifestsIn, query);
    },
  };
}

type Ask = (method: string, path: string, init?: RequestInit) => Promise<Response>;

function uploadAt(ask: Ask, opened: Response): Upload {
  let location = opened.headers.get("location") ?? "";
  let size = sizeOf(opened);
  return {
    id: opened.headers.get("docker-upload-uuid") ?? "",
    get size() {
      return size;
    },
    async append(piece) {
      const { bytes, headers } = await readPiece(piece);
      const response = await ask("PATCH", location, { headers, body: bytes });
      location = response.headers.get("location") ?? "";
      size += bytes.length;
    },
    async commit(digest, last) {
      const { bytes, headers } = last ? await readPiece(last) : { bytes: Buffer.alloc(0), headers: {} };
      const response = await ask("PUT", `${location}?digest=${encodeURIComponent(digest)}`, { headers, body: bytes });
      const stored = await ask("HEAD", response.headers.get("location") ?? "");
      return descriptorOf(stored);
    },
    async cancel() {
      await ask("DELETE", location);
    },
  };
}

async function readPiece({ body, start, end }: Piece) {
  const bytes = await readAll(body);
  const last = start === undefined ? undefined : (end ?? start + bytes.length) - 1;
  return { bytes, headers: last === undefined ? {} : { "content-range": `${start}-${last}` } };
}

/** `0-0` stands for no byte and for one; a status request is only made here when there are more. */
function sizeOf(response: Response): number {
  const last = Number(response.headers.get("range")?.split("-")[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}

const descriptorOf = ({ headers }: Response): Descriptor => ({
  mediaType: headers.get("content-type") ?? "",
  digest: parseDigest(headers.get("docker-content-digest") ?? ""),
  size: Number(headers.get("content-length")),
});

const rangeHeader = (range: { start: number; end?: number } | { suffix: number }): string =>
  "suffix" in range ? `bytes=-${range.suffix}` : `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;

async function refusalOf(response: Response): Promise<RegistryError> {
  const { errors } = (await response.json()) as { errors: { code: ErrorCode; detail?: string }[] };
  const [error] = errors;
  return new RegistryError(error?.code ?? "UNKNOWN", error?.detail);
}
