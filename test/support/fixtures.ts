import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type LiveFolder, openFolder } from "../../registry/store/live-folder.ts";
import { unpackCache } from "../../registry/store/unpack-cache.ts";
import { projectRoot } from "./root.ts";

/** An archive made by a real tool, and what independent code found in it. */
export interface Fixture {
  readonly id: string;
  readonly path: string;
  readonly tool: string;
  readonly what: string;
  readonly valid: boolean;
  readonly packedIn?: string;
  readonly carriedNames?: readonly string[] | null;
  /** The manifests that its images had in their registry. */
  readonly originals: readonly { digest: string; bytesInside?: boolean; rebuildable?: unknown }[];
}

export interface Collection {
  readonly title: string;
  readonly folder: string;
  readonly fixtures: readonly Fixture[];
}

/** Valid for some tool, and refused here with a reason. */
export const REFUSED: Readonly<Record<string, RegExp>> = {
  "odd-sparse-gnu.tar": /stored with holes; pack it again without --sparse/,
  "odd-sparse-pax.tar": /stored with holes; pack it again without --sparse/,
};

/** docker exported an index without any of its layers: the index is served, and what is not there is said. */
export const INCOMPLETE = "docker26-containerd-multi-platform-pulled";

/** The archives that the project carries, one of each form. */
export const OWN = collectionIn("archives of every form", join(projectRoot(), "test/fixtures"));

const LARGE = join(projectRoot(), "../shared/fixtures");

/** The same, and the large collection where it lies beside the project. */
export const COLLECTIONS: readonly Collection[] = existsSync(join(LARGE, "facts.json"))
  ? [OWN, collectionIn("the large collection of archives", LARGE)]
  : [OWN];

function collectionIn(title: string, folder: string): Collection {
  const { fixtures } = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8")) as { fixtures: Fixture[] };
  return { title, folder, fixtures };
}

/** Puts a fixture into a folder: a tar at its top, what is unpacked at `fixtures/<id>/`. */
export function placeFixture(collection: Collection, { id, path, packedIn }: Fixture, root: string): void {
  const source = join(collection.folder, path);
  const target = join(root, "fixtures", id.toLowerCase());
  if (packedIn) {
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xf", join(collection.folder, packedIn), "-C", target, "--strip-components=1"]);
  } else if (existsSync(join(source, "."))) {
    cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  } else {
    cpSync(source, join(root, basename(path)));
  }
}

/** Opens a folder with a fixture in it. */
export async function openFixture(collection: Collection, fixture: Fixture, root: string): Promise<LiveFolder> {
  placeFixture(collection, fixture, root);
  return openUnpacking(root);
}

/** Opens a folder as the server does at its start, with a cache beside it for what is compressed. */
export async function openUnpacking(root: string): Promise<LiveFolder> {
  const live = openFolder(root, { cache: unpackCache(`${root}.cache`, 8 * 1024 ** 3) });
  await live.ready;
  live.close();
  return live;
}

/** Removes what was unpacked for a folder. */
export const forgetFixture = (root: string): void => rmSync(`${root}.cache`, { recursive: true, force: true });

/** The digests that can be had from an archive: of manifests that are in it, or that can be built again. */
export const obtainable = ({ originals }: Fixture): string[] =>
  originals.flatMap(({ digest, bytesInside, rebuildable }) => (bytesInside || rebuildable ? [digest] : []));
