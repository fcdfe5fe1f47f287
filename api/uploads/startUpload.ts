import { type ErrorCode, RegistryError } from "../../registry/errors.ts";
import { parseDigest } from "../../registry/reference.ts";
import type { Descriptor, Registry } from "../../registry/registry.ts";
import type { Handler } from "../operation.ts";
import { pieceOf } from "../pieces.ts";
import { createdHeaders, uploadHeaders } from "../upload-headers.ts";

/** POST /v2/{name}/blobs/uploads/: start an upload, upload at once, or mount. */
export const startUpload: Handler<"startUpload"> = async ({ path: { name }, query, client, body }, registry) => {
  if (query.mount !== undefined) {
    const mounted = await mount(registry, name, query.mount, query.from);
    if (mounted) return { status: 201, headers: createdHeaders(name, mounted.digest) };
  }
  const algorithm = query["digest-algorithm"];
  const whole = query.digest === undefined || query.mount !== undefined ? undefined : parseDigest(query.digest);
  const upload = await registry.startUpload(name, { client, ...(algorithm ? { algorithm } : {}) });
  if (!whole) return { status: 202, headers: uploadHeaders(name, upload) };
  try {
    const { digest } = await upload.commit(whole, pieceOf(body, undefined));
    return { status: 201, headers: createdHeaders(name, digest) };
  } catch (error) {
    // Nobody was told of the session, so nobody would ever finish it.
    await upload.cancel();
    throw error;
  }
};

/** There is none, or it cannot be read just now. */
const CANNOT: ReadonlySet<ErrorCode> = new Set(["BLOB_UNKNOWN", "UNAVAILABLE"]);

/** Undefined when the blob cannot be had that way: the client then uploads it, so this must be no error. */
async function mount(
  registry: Registry,
  name: string,
  digest: string,
  from: string | undefined,
): Promise<Descriptor | undefined> {
  try {
    return await registry.mountBlob(name, parseDigest(digest), from === undefined ? {} : { from });
  } catch (error) {
    if (error instanceof RegistryError && CANNOT.has(error.code)) return undefined;
    throw error;
  }
}
