import { type ErrorCode, RegistryError } from "../../registry/errors.ts";
import type { Digest } from "../../registry/reference.ts";
import type { Registry } from "../../registry/registry.ts";
import { chunksOf } from "./images.ts";
import {
  BLOBS,
  type Blob,
  keyOf,
  MANIFESTS,
  type Manifest,
  manifestWith,
  REPOSITORIES,
  TAGS,
  type View,
} from "./world.ts";

/** One thing that a client does. Numbers name what is in world.ts, taken modulo how many there are. */
export type Operation =
  | {
      readonly do: "push";
      readonly repository: number;
      readonly blob: number;
      readonly way: "whole" | "pieces" | "resumed";
    }
  | { readonly do: "mount"; readonly repository: number; readonly blob: number; readonly from: number | undefined }
  | {
      readonly do: "manifest";
      readonly repository: number;
      readonly manifest: number;
      readonly tags: readonly number[];
    }
  | { readonly do: "deleteTag"; readonly repository: number; readonly tag: number }
  | { readonly do: "deleteManifest"; readonly repository: number; readonly manifest: number }
  | { readonly do: "deleteBlob"; readonly repository: number; readonly blob: number };

export const at = <T>(list: readonly T[], index: number): T => {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("an empty list");
  return found;
};

/** Does it. Rejects as the registry does. */
export async function run(registry: Registry, operation: Operation): Promise<void> {
  const repository = at(REPOSITORIES, operation.repository);
  switch (operation.do) {
    case "push":
      return push(registry, repository, at(BLOBS, operation.blob), operation.way);
    case "mount": {
      const from = operation.from === undefined ? {} : { from: at(REPOSITORIES, operation.from) };
      await registry.mountBlob(repository, at(BLOBS, operation.blob).digest, from);
      return;
    }
    case "manifest": {
      const { mediaType, bytes } = at(MANIFESTS, operation.manifest);
      await registry.pushManifest(repository, { mediaType, bytes }, tagsOf(operation));
      return;
    }
    case "deleteTag":
      return registry.deleteTag(repository, at(TAGS, operation.tag));
    case "deleteManifest":
      return registry.deleteManifest(repository, at(MANIFESTS, operation.manifest).digest);
    case "deleteBlob":
      return registry.deleteBlob(repository, at(BLOBS, operation.blob).digest);
  }
}

async function push(registry: Registry, repository: string, blob: Blob, way: "whole" | "pieces" | "resumed") {
  const { bytes, digest } = blob;
  const upload = await registry.startUpload(repository);
  if (way === "whole") {
    await upload.commit(digest, { body: chunksOf(bytes), start: 0, end: bytes.length });
    return;
  }
  const half = bytes.length >> 1;
  await upload.append({ body: chunksOf(bytes.subarray(0, half)) });
  const same = way === "pieces" ? upload : await registry.resumeUpload(repository, upload.id);
  const rest = { body: chunksOf(bytes.subarray(half)), start: half };
  if (way === "pieces") await same.append(rest);
  await same.commit(digest, way === "pieces" ? undefined : rest);
}

/** What an operation does to what can be seen, and of what it says with its success that it stays. */
export interface Effect {
  readonly refused?: ErrorCode;
  /** Undefined: it goes. */
  readonly changes: ReadonlyMap<string, string | undefined>;
  readonly vouched: readonly string[];
}

const refused = (code: ErrorCode): Effect => ({ refused: code, changes: new Map(), vouched: [] });
const done = (changes: [string, string | undefined][], vouched: readonly string[] = []): Effect => ({
  changes: new Map(changes),
  vouched: [...changes.map(([key]) => key), ...vouched],
});

/** The model: what an operation has to do to a registry of which this can be seen. */
export function effectOf(operation: Operation, view: View): Effect {
  const repository = at(REPOSITORIES, operation.repository);
  const exists = (name: string): boolean => [...view.keys()].some((key) => key.split(" ")[1] === name);
  const hasBlob = (name: string, digest: Digest): boolean => view.has(keyOf.blob(name, digest));
  const present = [...view.keys()].filter((key) => key.startsWith(`manifest ${repository} `));
  const used = (digest: Digest): boolean =>
    present.some((key) => {
      const { blobs, manifests } = manifestWith(key.split(" ")[2] as Digest);
      return blobs.includes(digest) || manifests.includes(digest);
    });
  switch (operation.do) {
    case "push":
      return done([[keyOf.blob(repository, at(BLOBS, operation.blob).digest), "there"]]);
    case "mount": {
      const { digest } = at(BLOBS, operation.blob);
      const sources = operation.from === undefined ? REPOSITORIES : [at(REPOSITORIES, operation.from)];
      if (!sources.some((name) => hasBlob(name, digest))) return refused("BLOB_UNKNOWN");
      return done([[keyOf.blob(repository, digest), "there"]]);
    }
    case "manifest": {
      const manifest = at(MANIFESTS, operation.manifest);
      const whole = wholeOf(manifest, repository);
      if (!partsOf(manifest, repository).every((key) => view.has(key))) return refused("MANIFEST_BLOB_UNKNOWN");
      const tags = tagsOf(operation).map((tag): [string, string] => [keyOf.tag(repository, tag), manifest.digest]);
      return done([[keyOf.manifest(repository, manifest.digest), "there"], ...tags], whole);
    }
    case "deleteTag": {
      const key = keyOf.tag(repository, at(TAGS, operation.tag));
      if (!exists(repository)) return refused("NAME_UNKNOWN");
      return view.has(key) ? done([[key, undefined]]) : refused("MANIFEST_UNKNOWN");
    }
    case "deleteManifest": {
      const { digest } = at(MANIFESTS, operation.manifest);
      const key = keyOf.manifest(repository, digest);
      if (!exists(repository)) return refused("NAME_UNKNOWN");
      if (!view.has(key)) return refused("MANIFEST_UNKNOWN");
      if (used(digest)) return refused("UNSUPPORTED");
      const tags = TAGS.map((tag) => keyOf.tag(repository, tag)).filter((tag) => view.get(tag) === digest);
      return done([key, ...tags].map((each) => [each, undefined]));
    }
    case "deleteBlob": {
      const { digest } = at(BLOBS, operation.blob);
      if (!exists(repository)) return refused("NAME_UNKNOWN");
      if (!hasBlob(repository, digest)) return refused("BLOB_UNKNOWN");
      return used(digest) ? refused("UNSUPPORTED") : done([[keyOf.blob(repository, digest), undefined]]);
    }
  }
}

const tagsOf = ({ tags }: { readonly tags: readonly number[] }) => [...new Set(tags.map((tag) => at(TAGS, tag)))];

const partsOf = ({ blobs, manifests }: Manifest, repository: string): string[] => [
  ...blobs.map((digest) => keyOf.blob(repository, digest)),
  ...manifests.map((digest) => keyOf.manifest(repository, digest)),
];

/** All that is needed to pull it. */
const wholeOf = (manifest: Manifest, repository: string): string[] => [
  ...partsOf(manifest, repository),
  ...manifest.manifests.flatMap((digest) => wholeOf(manifestWith(digest), repository)),
];

/** What nobody needs: a collection may take it, unless the repository was used lately. */
export function unusedIn(view: View): string[] {
  const needed = new Set(
    [...view.keys()].flatMap((key) => {
      const [kind, repository = "", digest] = key.split(" ");
      return kind === "manifest" ? partsOf(manifestWith(digest as Digest), repository) : [];
    }),
  );
  return [...view.keys()].filter((key) => key.startsWith("blob ") && !needed.has(key));
}

/** Everything that a manifest needs and then itself: a whole push. */
export function pushOf(repository: number, manifest: number, tags: readonly number[]): Operation[] {
  const { blobs, manifests } = at(MANIFESTS, manifest);
  return [
    ...blobs.map((digest): Operation => {
      const blob = BLOBS.findIndex((each) => each.digest === digest);
      return { do: "push", repository, blob, way: "whole" };
    }),
    ...manifests.flatMap((digest) => pushOf(repository, MANIFESTS.indexOf(manifestWith(digest)), [])),
    { do: "manifest", repository, manifest, tags },
  ];
}

export const codeOfRefusal = (error: unknown): ErrorCode | undefined =>
  error instanceof RegistryError ? error.code : undefined;
