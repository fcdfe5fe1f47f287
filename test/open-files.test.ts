import assert from "node:assert/strict";
import { fstatSync, readSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type OpenFiles, openFiles } from "../registry/store/open-files.ts";
import { temporaryFolder } from "./support/images.ts";
import { until } from "./support/until.ts";

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

async function openOnce(files: OpenFiles, path: string): Promise<number> {
  const file = await files.open(path);
  await file.close();
  return file.fd;
}

describe("a file that is asked for again", () => {
  it("is open already", async (context) => {
    const path = join(temporaryFolder(context), "a");
    writeFileSync(path, "a");
    const files = openFiles();
    const fd = await openOnce(files, path);
    const kept = await files.kept(path);
    assert.equal(kept?.fd, fd);
  });

  for (const [what, change] of Object.entries({
    written: (path: string) => writeFileSync(path, "b"),
    cut: (path: string) => truncateSync(path, 0),
    removed: (path: string) => rmSync(path),
    renamed: (path: string) => renameSync(path, `${path}-away`),
    replaced: (path: string) => {
      writeFileSync(`${path}-new`, "b");
      renameSync(`${path}-new`, path);
    },
  })) {
    it(`is not taken for the one that was ${what}, which is closed`, async (context) => {
      const path = join(temporaryFolder(context), "a");
      writeFileSync(path, "a");
      const files = openFiles();
      const fd = await openOnce(files, path);
      change(path);
      assert.equal(await files.kept(path), undefined);
      await until(() => !isOpen(fd), "it is closed");
    });
  }

  it("stays open for whoever reads it while the path gets another one", async (context) => {
    const path = join(temporaryFolder(context), "a");
    writeFileSync(path, "a");
    const files = openFiles();
    const reading = await files.open(path);
    writeFileSync(`${path}-new`, "b");
    renameSync(`${path}-new`, path);
    const other = await files.open(path);
    assert.deepEqual([firstByte(reading.fd), firstByte(other.fd)], ["a", "b"]);
    await reading.close();
    await reading.close();
    assert.ok(isOpen(other.fd));
  });
});

describe("files that nobody reads", () => {
  it("are closed after a while", async (context) => {
    const path = join(temporaryFolder(context), "a");
    writeFileSync(path, "a");
    const fd = await openOnce(openFiles({ idle: 1 }), path);
    await until(() => !isOpen(fd), "it is closed");
  });

  it("stay open up to a number", async (context) => {
    const root = temporaryFolder(context);
    const files = openFiles({ limit: 3 });
    const fds: number[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) {
      writeFileSync(join(root, name), name);
      fds.push(await openOnce(files, join(root, name)));
    }
    await until(async () => (await files.kept(join(root, "a"))) === undefined, "the first is closed");
    // A number that was closed may have been given out again.
    await until(() => new Set(fds.filter(isOpen)).size === 3, "three are open");
  });
});

function firstByte(fd: number): string {
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, 0);
  return byte.toString();
}
