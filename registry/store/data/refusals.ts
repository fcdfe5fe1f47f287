import { RegistryError } from "../../errors.ts";
import type { Registry, Upload } from "../../registry.ts";
import { orElse, type Soon } from "../../soon.ts";
import { isExhausted } from "../exhausted.ts";
import { codeOf, isFull } from "./disk.ts";

/**
 * A registry whose faults clients understand, where there is something to understand: no room, no descriptors left. The
 * rest is a fault of the server. `assertOurs` is asked before anything is written.
 */
export function withRefusals(registry: Registry, assertOurs: () => void): Registry {
  const reading =
    <Args extends unknown[], T>(method: (...args: Args) => Soon<T>) =>
    (...args: Args): Soon<T> =>
      orElse(() => method(...args), refuse);
  const writing =
    <Args extends unknown[], T>(method: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      try {
        assertOurs();
        return await method(...args);
      } catch (error) {
        return refuse(error);
      }
    };
  const upload = (inner: Upload): Upload => ({
    id: inner.id,
    get size() {
      return inner.size;
    },
    append: writing(inner.append),
    commit: writing(inner.commit),
    cancel: writing(inner.cancel),
  });
  return {
    ...registry,
    getBlob: reading(registry.getBlob),
    statBlob: reading(registry.statBlob),
    getManifest: reading(registry.getManifest),
    statManifest: reading(registry.statManifest),
    startUpload: writing((...args: Parameters<Registry["startUpload"]>) => registry.startUpload(...args).then(upload)),
    resumeUpload: writing((...args: Parameters<Registry["resumeUpload"]>) =>
      registry.resumeUpload(...args).then(upload),
    ),
    mountBlob: writing(registry.mountBlob),
    pushManifest: writing(registry.pushManifest),
    deleteBlob: writing(registry.deleteBlob),
    deleteManifest: writing(registry.deleteManifest),
    deleteTag: writing(registry.deleteTag),
  };
}

function refuse(error: unknown): never {
  if (isFull(error)) throw new RegistryError("INSUFFICIENT_STORAGE", undefined, { cause: error });
  if (isExhausted(error)) throw new RegistryError("UNAVAILABLE", "too many files are open", { cause: error });
  if (codeOf(error) === "EROFS")
    throw new RegistryError("UNAVAILABLE", "the disk cannot be written to", { cause: error });
  if (FOLDER.has(codeOf(error)))
    throw new RegistryError("UNAVAILABLE", "a folder lies where a file belongs; ociregistry check says where", {
      cause: error,
    });
  throw error;
}

/** What writing over a folder, moving over it and removing it as a file fail with. */
const FOLDER: ReadonlySet<string> = new Set(["EISDIR", "ERR_FS_EISDIR"]);
