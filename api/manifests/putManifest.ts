import { RegistryError } from "../../registry/errors.ts";
import { type Digest, parseDigest, parseTag } from "../../registry/reference.ts";
import type { ByteStream, Registry } from "../../registry/registry.ts";
import type { Handler } from "../operation.ts";

/** What clients and other registries take at least and at most (distribution-spec, "Pushing Manifests"). */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** PUT /v2/{name}/manifests/{reference}: push a manifest. */
export const putManifest: Handler<"putManifest"> = async ({ path, query, contentType, body }, registry) => {
  const { name, reference } = path;
  const digest: Digest | undefined = reference.includes(":") ? parseDigest(reference) : undefined;
  const tags = digest ? (query.tag ?? []).map(parseTag) : [parseTag(reference)];
  const bytes = await readManifest(body);
  if (!bytes) throw await tooLarge(name, registry);
  const manifest = { bytes, ...(contentType === "" ? {} : { mediaType: contentType }), ...(digest ? { digest } : {}) };
  const pushed = await registry.pushManifest(name, manifest, tags);
  return {
    status: 201,
    headers: {
      Location: `/v2/${name}/manifests/${pushed.descriptor.digest}`,
      "Docker-Content-Digest": pushed.descriptor.digest,
      ...(pushed.subject ? { "OCI-Subject": pushed.subject } : {}),
      ...(digest && tags.length > 0 ? { "OCI-Tag": tags.join(", ") } : {}),
    },
  };
};

/** Undefined when there are too many bytes. */
async function readManifest(body: ByteStream): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MANIFEST_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** That the registry takes no manifest from this client comes first. To learn it, one is offered that nobody takes. */
async function tooLarge(name: string, registry: Registry): Promise<RegistryError> {
  const nothing = { bytes: new Uint8Array() };
  const refused: unknown = await registry.pushManifest(name, nothing).catch((error: unknown) => error);
  return refused instanceof RegistryError && refused.code !== "MANIFEST_INVALID"
    ? refused
    : new RegistryError("SIZE_INVALID", `a manifest has at most ${MANIFEST_LIMIT} bytes`);
}
