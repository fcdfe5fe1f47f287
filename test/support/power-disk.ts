import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { codeOf, type Disk, type DiskFile } from "../../registry/store/data/disk.ts";

/** A file as it is, and as it was when it was last synced. */
interface FileNode {
  readonly kind: "file";
  data: Buffer;
  synced: Buffer;
}

/** A folder as it was when it was last synced, and what was done to it since. */
interface FolderNode {
  readonly kind: "folder";
  readonly entries: Map<string, Node>;
  readonly synced: Map<string, Node>;
  changes: { readonly name: string; readonly node: Node | undefined }[];
}

type Node = FileNode | FolderNode;

/** What happens to the calls of a disk: called before each with its number, from 1, and what is asked. */
export type Trouble = (call: number, operation: string) => Error | undefined;

/** What a disk only says that it did, for the negative controls. */
export interface Forgetful {
  /** What was to fail, is not done and does not fail. */
  readonly failures?: boolean;
  readonly files?: boolean;
  readonly folders?: boolean;
}

/**
 * A disk that stands on a folder of its own and remembers what has been synced. A loss of power leaves of each file its
 * synced bytes and any part of what came later, and of each folder its synced names and any of the later changes, each
 * by itself: that is more than a journal would mix up, and all that POSIX promises.
 */
export interface PowerDisk extends Disk {
  /** The folder for the store. */
  readonly root: string;
  /** How many calls there were. */
  readonly calls: number;
  trouble: Trouble | undefined;
  /** From now on every call fails, as for a process that was killed; a disk for its successor, with nothing lost. */
  kill(): PowerDisk;
  /** The disk after a loss of power; `random` (0 to 1) chooses among the states that it may leave. */
  crash(random: () => number): PowerDisk;
  /** The names below a folder of the store. */
  names(folder: string): string[];
  dispose(): void;
}

/** In memory where the system has such a place: nothing here needs a real disk. */
const PLACE = statSync("/dev/shm", { throwIfNoEntry: false })?.isDirectory() ? "/dev/shm" : tmpdir();

export const memoryFolder = (): string => mkdtempSync(join(PLACE, "ociregistry-test-"));

export const powerDisk = (forgetful: Forgetful = {}): PowerDisk => on(memoryFolder(), folderOf([]), forgetful);

function on(base: string, top: FolderNode, forgetful: Forgetful): PowerDisk {
  let calls = 0;
  let off = false;
  let trouble: Trouble | undefined;

  /** False when it is not to be done. */
  const call = (operation: string): boolean => {
    calls++;
    if (off) throw new Error("the power is off");
    const error = trouble?.(calls, operation);
    if (error && !forgetful.failures) throw error;
    return error === undefined;
  };
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = top;
    for (const name of relative(base, path).split("/").filter(Boolean)) {
      node = node?.kind === "folder" ? node.entries.get(name) : undefined;
    }
    return node;
  };
  const folder = (path: string): FolderNode => {
    const node = find(path);
    if (node?.kind !== "folder") throw new Error(`no folder ${path}`);
    return node;
  };
  const change = (path: string, node: Node | undefined): void => {
    const { entries, changes } = folder(dirname(path));
    const name = basename(path);
    if (node) entries.set(name, node);
    else entries.delete(name);
    changes.push({ name, node });
  };
  const handle = (fd: number, node: FileNode): DiskFile => ({
    async write(chunks, position) {
      if (!call("write")) return;
      const bytes = Buffer.concat(chunks);
      writeSync(fd, bytes, 0, bytes.length, position);
      node.data = Buffer.concat([node.data.subarray(0, position), bytes, node.data.subarray(position + bytes.length)]);
    },
    async read(target, position) {
      call("read");
      return readSync(fd, target, 0, target.length, position);
    },
    async truncate(size) {
      call("truncate");
      ftruncateSync(fd, size);
      node.data = node.data.subarray(0, size);
    },
    async sync() {
      call("sync");
      const { data } = node;
      await turn();
      if (!forgetful.files && !off) node.synced = data;
    },
    async close() {
      closeSync(fd);
    },
  });
  const fileAt = (path: string): FileNode => {
    const node = find(path);
    if (node?.kind !== "file") throw new Error(`no file ${path}`);
    return node;
  };

  return {
    root: join(base, "data"),
    get calls() {
      return calls;
    },
    get trouble() {
      return trouble;
    },
    set trouble(given) {
      trouble = given;
    },
    async read(path) {
      call("read");
      return unlessMissing(() => readFileSync(path), undefined);
    },
    async list(path) {
      call("list");
      return unlessMissing(() => readdirSync(path), []);
    },
    async stat(path) {
      call("stat");
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats && { size: stats.size, modified: stats.mtimeMs };
    },
    async create(path) {
      call("create");
      const fd = openSync(path, "wx+");
      const node = fileOf(Buffer.alloc(0));
      change(path, node);
      return handle(fd, node);
    },
    async open(path) {
      call("open");
      const fd = unlessMissing(() => openSync(path, "r+"), undefined);
      return fd === undefined ? undefined : handle(fd, fileAt(path));
    },
    async touch(path) {
      if (!call("touch")) return;
      if (find(path)) utimesSync(path, new Date(), new Date());
      else {
        closeSync(openSync(path, "wx"));
        change(path, fileOf(Buffer.alloc(0)));
      }
    },
    async rename(from, to) {
      if (!call("rename")) return;
      renameSync(from, to);
      const node = fileAt(from);
      change(to, node);
      change(from, undefined);
    },
    async remove(path) {
      call("remove");
      if (!find(path)) return false;
      rmSync(path);
      change(path, undefined);
      return true;
    },
    async makeFolder(path) {
      call("makeFolder");
      if (find(path)) return false;
      mkdirSync(path);
      change(path, folderOf([]));
      return true;
    },
    async removeFolder(path) {
      call("removeFolder");
      const node = find(path);
      if (node?.kind !== "folder" || node.entries.size > 0) return false;
      rmdirSync(path);
      change(path, undefined);
      return true;
    },
    async syncFolder(path) {
      call("syncFolder");
      const node = find(path);
      if (node?.kind !== "folder") throw Object.assign(new Error(`no folder ${path}`), { code: "ENOENT" });
      const seen = new Set(node.changes);
      await turn();
      if (forgetful.folders || off) return;
      for (const { name, node: child } of node.changes.filter((each) => seen.has(each))) {
        if (child) node.synced.set(name, child);
        else node.synced.delete(name);
      }
      node.changes = node.changes.filter((each) => !seen.has(each));
    },
    kill() {
      off = true;
      return on(base, top, forgetful);
    },
    crash(random) {
      off = true;
      const after = memoryFolder();
      const left = leave(top, after, random, new Map());
      rmSync(base, { recursive: true });
      return on(after, left, forgetful);
    },
    names: (path) => unlessMissing(() => readdirSync(path, { recursive: true, encoding: "utf8" }), []),
    dispose: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Writes down what is left of a folder, and gives it as a folder of which all is synced. */
function leave(from: FolderNode, path: string, random: () => number, files: Map<FileNode, FileNode>): FolderNode {
  const kept = new Map(from.synced);
  for (const { name } of from.changes) {
    const later = from.changes.filter((each) => each.name === name).map(({ node }) => node);
    const node = oneOf([from.synced.get(name), ...later], random);
    if (node) kept.set(name, node);
    else kept.delete(name);
  }
  return folderOf(
    [...kept].map(([name, node]) => {
      const place = join(path, name);
      if (node.kind === "folder") {
        mkdirSync(place);
        return [name, leave(node, place, random, files)];
      }
      const file = files.get(node) ?? fileOf(tear(node, random));
      files.set(node, file);
      writeFileSync(place, file.data);
      return [name, file];
    }),
  );
}

/** What was synced is there; of the rest any part, and zeros where blocks were given and not written. */
function tear({ data, synced }: FileNode, random: () => number): Buffer {
  if (data === synced) return data;
  let same = 0;
  while (same < Math.min(data.length, synced.length) && data[same] === synced[same]) same++;
  const cut = same + Math.floor(random() * (data.length - same + 1));
  const zeros = Buffer.concat([data.subarray(0, cut), Buffer.alloc(data.length - cut)]);
  return oneOf([synced, data, data.subarray(0, cut), zeros], random) ?? data;
}

const fileOf = (data: Buffer): FileNode => ({ kind: "file", data, synced: data });

const folderOf = (entries: [string, Node][]): FolderNode => ({
  kind: "folder",
  entries: new Map(entries),
  synced: new Map(entries),
  changes: [],
});

const oneOf = <T>(choices: readonly T[], random: () => number): T | undefined =>
  choices[Math.floor(random() * choices.length)];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function unlessMissing<T>(read: () => T, missing: T): T {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return missing;
    throw error;
  }
}
