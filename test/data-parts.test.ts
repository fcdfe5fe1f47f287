import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { RegistryError } from "../registry/errors.ts";
import { PIECE } from "../registry/lists.ts";
import { digestOf } from "../registry/reference.ts";
import type { Registry } from "../registry/registry.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { type Disk, nodeDisk } from "../registry/store/data/disk.ts";
import { coalesced } from "../registry/store/data/durable.ts";
import { FolderInUse, lockFolder, ownerIdOf } from "../registry/store/data/folder-lock.ts";
import { UnknownFormat } from "../registry/store/data/format.ts";
import { decodeRecord, encodeRecord } from "../registry/store/data/record.ts";
import { sharedLock } from "../registry/store/data/shared-lock.ts";
import { sortedNames } from "../registry/store/data/sorted-names.ts";
import { chunksOf, pushBlob, temporaryFolder } from "./support/images.ts";
import { until } from "./support/until.ts";
import { all } from "./support/world.ts";

const HOLDER = fileURLToPath(new URL("./support/lock-holder.js", import.meta.url));
const never = (): void => assert.fail("the lock was said to be lost");

/** Another process that tries to take a lock: whether it did. It keeps it until it is killed. */
async function otherProcess(context: TestContext, path: string): Promise<{ child: ChildProcess; got: boolean }> {
  const child = fork(HOLDER, [path]);
  context.after(() => child.kill("SIGKILL"));
  const [got] = (await once(child, "message")) as [boolean];
  return { child, got };
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A lock of this machine as it stands in its file, changed. */
async function writeLock(path: string, changes: Record<string, unknown>): Promise<void> {
  const { release } = await lockFolder(path, never);
  const own = JSON.parse(readFileSync(path, "utf8"));
  await release();
  writeFileSync(path, JSON.stringify({ ...own, id: "someone", ...changes }));
}

const isLinux = process.platform === "linux";

describe("the lock of a folder", () => {
  const lockIn = (context: TestContext): string => join(temporaryFolder(context), "lock");

  it("is had by one process; when that is killed, by the next at once", async (context) => {
    const path = lockIn(context);
    const { child, got } = await otherProcess(context, path);
    assert.equal(got, true);
    await assert.rejects(lockFolder(path, never), (error: Error) => {
      assert.ok(error instanceof FolderInUse);
      assert.match(error.message, new RegExp(`process ${child.pid} .*--data`));
      return true;
    });
    await killed(child);
    await (await lockFolder(path, never)).release();
    assert.deepEqual(readdirSync(join(path, "..")), []);
  });

  it("is not held by a process that has the number of one that is gone", { skip: !isLinux }, async (context) => {
    const path = lockIn(context);
    await writeLock(path, { pid: process.pid, started: "1" });
    await (await lockFolder(path, never)).release();
  });

  it("is not held by a process that has ended and whose parent has not looked", { skip: !isLinux }, async (context) => {
    const path = lockIn(context);
    // The shell starts a process, becomes a program that never asks for it, and so leaves it a zombie.
    const shell = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
    context.after(() => shell.kill("SIGKILL"));
    const [text] = (await once(shell.stdout, "data")) as [Buffer];
    const pid = Number(text.toString());
    const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    await until(() => stat()[0] === "Z", "it is a zombie");
    await writeLock(path, { pid, started: stat()[19] });
    await (await lockFolder(path, never)).release();
  });

  it("of another machine counts for as long as it is touched", async (context) => {
    const path = lockIn(context);
    await writeLock(path, { realm: "elsewhere" });
    await assert.rejects(lockFolder(path, never), (error) => {
      assert.ok(error instanceof FolderInUse);
      // Who restarts a container wants to know.
      assert.match(error.message, /if it was killed in another container or on another machine, try again in \d\d s$/);
      return true;
    });
    const old = new Date(Date.now() - 60_000);
    utimesSync(path, old, old);
    await (await lockFolder(path, never)).release();
  });

  it("of another machine is as old as the disk says, whatever the time is here", async (context) => {
    const path = lockIn(context);
    await writeLock(path, { realm: "elsewhere" });
    const now = Date.now();
    context.mock.method(Date, "now", () => now + 60_000);
    assert.equal(await ownerIdOf(path, statSync(path).mtimeMs + 29_000), "someone");
    await assert.rejects(lockFolder(path, never), FolderInUse);
    const old = new Date(now - 60_000);
    utimesSync(path, old, old);
    assert.equal(await ownerIdOf(path, statSync(path).mtimeMs + 31_000), undefined);
    assert.deepEqual(readdirSync(join(path, "..")), ["lock"]);
    await (await lockFolder(path, never)).release();
  });

  it("that is no lock counts for as long as it is fresh", async (context) => {
    const path = lockIn(context);
    writeFileSync(path, "");
    await assert.rejects(lockFolder(path, never), FolderInUse);
    utimesSync(path, new Date(0), new Date(0));
    await (await lockFolder(path, never)).release();
  });

  it("that was left goes to exactly one of those who come at the same moment", async (context) => {
    const path = lockIn(context);
    for (let round = 0; round < 10; round++) {
      await writeLock(path, { pid: 2 ** 30, started: "gone" });
      // One of them died while it tried before.
      writeFileSync(`${path}.someone`, readFileSync(path, "utf8").replace("someone", "another"));
      const all = await Promise.allSettled([1, 2, 3, 4, 5].map(() => lockFolder(path, never)));
      const winners = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      assert.equal(winners.length, 1);
      for (const each of all) if (each.status === "rejected") assert.ok(each.reason instanceof FolderInUse);
      await winners[0]?.release();
      assert.deepEqual(readdirSync(join(path, "..")), []);
    }
  });

  it("that was left goes to exactly one of several processes", async (context) => {
    const path = lockIn(context);
    await writeLock(path, { pid: 2 ** 30, started: "gone" });
    const all = await Promise.all([1, 2, 3, 4].map(() => otherProcess(context, path)));
    assert.equal(all.filter(({ got }) => got).length, 1);
  });

  it("that somebody took away is said to be lost, once", async (context) => {
    context.mock.timers.enable({ apis: ["setInterval"] });
    const path = lockIn(context);
    let told: () => void = () => {};
    const lost = new Promise<void>((resolve) => {
      told = resolve;
    });
    const { release } = await lockFolder(path, told);
    writeFileSync(path, readFileSync(path, "utf8").replace(/"id":"[^"]+"/, '"id":"someone"'));
    context.mock.timers.tick(5_000);
    await lost;
    await release();
    assert.ok(existsSync(path), "the lock of another is left alone");
  });
});

describe("a data folder", () => {
  it("is not made of a folder that holds something else", async (context) => {
    const root = temporaryFolder(context);
    writeFileSync(join(root, "holiday.jpg"), "");
    await assert.rejects(openDataStore(root), UnknownFormat);
    assert.deepEqual(readdirSync(root), ["holiday.jpg"]);
  });

  it("may be a new file system, or what a start that was interrupted left", async (context) => {
    const root = temporaryFolder(context);
    for (const name of ["lost+found", "tmp", "uploads"]) mkdirSync(join(root, name));
    for (const name of [".snapshot", "lock.of-a-start", "tmp/format.json"]) writeFileSync(join(root, name), "");
    const { registry, close } = await openDataStore(root);
    await pushBlob(registry, "app", Buffer.from("bytes"));
    await close();
    assert.deepEqual(readdirSync(join(root, "tmp")), []);
  });

  it("of a newer version is left alone", async (context) => {
    const root = temporaryFolder(context);
    for (const text of ['{"format":"ociregistry data","version":2}', "torn"]) {
      writeFileSync(join(root, "format.json"), text);
      await assert.rejects(openDataStore(root), UnknownFormat);
      assert.deepEqual(readdirSync(root), ["format.json"]);
    }
  });

  it("that another server filled since it was found empty is not written to", async (context) => {
    const root = temporaryFolder(context);
    const first = await openDataStore(root);
    const second = await openDataStore(root);
    const digest = await pushBlob(second.registry, "app", Buffer.from("bytes"));
    await assert.rejects(pushBlob(first.registry, "app", Buffer.from("others")), FolderInUse);
    await second.close();
    const unavailable = (error: unknown) => error instanceof RegistryError && error.code === "UNAVAILABLE";
    await assert.rejects(pushBlob(first.registry, "app", Buffer.from("others")), unavailable);
    await first.close();
    const third = await openDataStore(root);
    await third.registry.statBlob("app", digest);
    await third.close();
  });

  it("is not written to after it was closed or lost", async (context) => {
    const root = temporaryFolder(context);
    let lose = (): void => {};
    const lock = async (_: string, onLost: () => void) => {
      lose = onLost;
      return { release: async () => {} };
    };
    const { registry, collect, close } = await openDataStore(root, { lock });
    const digest = await pushBlob(registry, "app", Buffer.from("bytes"));
    const upload = await registry.startUpload("app");
    lose();
    for (const attempt of [
      () => registry.startUpload("app"),
      () => registry.mountBlob("other", digest),
      () => registry.deleteBlob("app", digest),
      () => upload.commit(digest),
      () => collect({ grace: 0 }),
    ]) {
      await assert.rejects(attempt(), /another process took the data folder/);
    }
    await registry.statBlob("app", digest);
    await close();
  });

  it("can be opened again in the same process when opening failed", async (context) => {
    const root = temporaryFolder(context);
    const first = await openDataStore(root);
    await pushBlob(first.registry, "app", Buffer.from("bytes"));
    await first.close();
    const failing = { ...nodeDisk, list: async (path: string) => (path === root ? ["lock"] : fail()) };
    await assert.rejects(openDataStore(root, { disk: failing }), /EIO/);
    await (await openDataStore(root)).close();
  });
});

const fail = (): never => {
  throw Object.assign(new Error("EIO"), { code: "EIO" });
};

describe("the room for uploads", () => {
  /** Holds that there is room for exactly 100 bytes. */
  async function assertRoom(registry: Registry): Promise<void> {
    const upload = await registry.startUpload("app");
    const full = (error: unknown) => error instanceof RegistryError && error.code === "INSUFFICIENT_STORAGE";
    await assert.rejects(upload.append({ body: chunksOf(Buffer.alloc(101)) }), full);
    const again = await registry.startUpload("app");
    await again.append({ body: chunksOf(Buffer.alloc(100)) });
    await again.cancel();
  }
  const bytes = Buffer.alloc(60, "x");

  it("is counted once when an upload is cancelled while it is finished", async (context) => {
    let cancel = async (): Promise<void> => {};
    const rename: Disk["rename"] = async (from, to) => {
      await nodeDisk.rename(from, to);
      if (to.includes("/blobs/")) await cancel();
    };
    const root = temporaryFolder(context);
    const { registry, close } = await openDataStore(root, {
      disk: { ...nodeDisk, rename },
      limits: { uploadSpace: 100 },
    });
    const upload = await registry.startUpload("app");
    cancel = () => upload.cancel();
    await upload.commit(digestOf(bytes), { body: chunksOf(bytes) });
    await assertRoom(registry);
    await close();
  });

  it("is free again when a blob could not be taken in", async (context) => {
    const touch: Disk["touch"] = async () => fail();
    const root = temporaryFolder(context);
    const { registry, close } = await openDataStore(root, {
      disk: { ...nodeDisk, touch },
      limits: { uploadSpace: 100 },
    });
    const upload = await registry.startUpload("app");
    await assert.rejects(upload.commit(digestOf(bytes), { body: chunksOf(bytes) }), /EIO/);
    await assertRoom(registry);
    assert.deepEqual(await all(registry.listRepositories()), []);
    await close();
  });
});

describe("a record", () => {
  const whole = encodeRecord({ tag: "1", digest: "sha256:ab" }, Buffer.from("a body"));

  it("is read as it was written", () => {
    const { fields, body } = decodeRecord(whole) ?? {};
    assert.deepEqual(fields, { tag: "1", digest: "sha256:ab" });
    assert.equal(body?.toString(), "a body");
  });

  it("shows that it was cut or that a byte of its line was changed", () => {
    const line = whole.indexOf("a body");
    for (let size = 0; size < line; size++) assert.equal(decodeRecord(whole.subarray(0, size)), undefined, `${size}`);
    for (let at = 0; at < line; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(decodeRecord(changed), undefined, `byte ${at}`);
    }
    assert.equal(decodeRecord(Buffer.alloc(whole.length)), undefined);
  });
});

describe("sorted names", () => {
  it("are in byte order, after any name, however they came", () => {
    const names = sortedNames<string>(["b", "a"]);
    for (const name of ["app/x", "app", "B", "app-two", "app"]) names.add(name);
    names.delete("b");
    names.delete("never there");
    assert.deepEqual([...names.after("")].flat(), ["B", "a", "app", "app-two", "app/x"]);
    assert.deepEqual([...names.after("app")].flat(), ["app-two", "app/x"]);
    assert.deepEqual([...names.after("aq")].flat(), []);
    assert.equal([...names.after("")].flat().length, 5);
  });

  it("may change between two pieces", () => {
    const numbered = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, index) => `n${10_000 + from + index}`);
    const names = sortedNames<string>(numbered(0, 2 * PIECE));
    const seen: string[] = [];
    for (const piece of names.after("")) {
      seen.push(...piece);
      names.delete("n10001");
      names.delete(`n${10_000 + PIECE}`);
      names.add("A");
      names.add("z");
    }
    assert.deepEqual(seen, [...numbered(0, PIECE), ...numbered(PIECE + 1, 2 * PIECE), "z"]);
  });
});

describe("a shared lock", () => {
  it("lets in several who share or one alone, in the order in which they came", async () => {
    const lock = sharedLock();
    const log: string[] = [];
    const open: (() => void)[] = [];
    const hold = (name: string) => () => {
      log.push(name);
      return new Promise<void>((resolve) => open.push(resolve));
    };
    const all = [
      lock.shared("x", hold("share 1")),
      lock.shared("x", hold("share 2")),
      lock.alone("x", hold("alone")),
      // These could share with the first, but then who waits to be alone might wait for ever.
      lock.shared("x", hold("share 3")),
      lock.shared("x", hold("share 4")),
    ];
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const steps = [["share 1", "share 2"], [], ["alone"], ["share 3", "share 4"], [], []];
    for (const expected of steps) {
      await turn();
      assert.deepEqual(log.splice(0), expected);
      open.shift()?.();
    }
    await Promise.all(all);
    assert.equal(lock.isHeld("x"), false);
  });

  it("is free again after a failure, and says nothing of other keys", async () => {
    const lock = sharedLock();
    await assert.rejects(
      lock.alone("x", async () => fail()),
      /EIO/,
    );
    await lock.alone("x", () => lock.alone("y", async () => assert.ok(lock.isHeld("x"))));
    assert.equal(lock.isHeld("x"), false);
  });
});

describe("a sync that several share", () => {
  it("is one that began after all of them had written", async () => {
    const begun: (() => void)[] = [];
    const sync = coalesced(() => new Promise<void>((resolve) => begun.push(resolve)));
    const done: string[] = [];
    const ask = (name: string) => sync("folder").then(() => done.push(name));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const all = [ask("first")];
    await turn();
    // The first is under way, so it says nothing of what these wrote.
    all.push(ask("second"), ask("third"));
    begun.shift()?.();
    await turn();
    assert.deepEqual(done, ["first"]);
    assert.equal(begun.length, 1);
    begun.shift()?.();
    await Promise.all(all);
    assert.deepEqual(done, ["first", "second", "third"]);
  });

  it("that fails, fails for those who wait for it, and not for the next", async () => {
    let calls = 0;
    const sync = coalesced(async () => {
      if (++calls === 1) fail();
    });
    const [first, second] = await Promise.allSettled([sync("folder"), sync("folder")]);
    assert.equal(first.status, "rejected");
    assert.equal(second.status, "fulfilled");
  });
});
