import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "../registry/reference.ts";
import { type Catalogue, platformsOf, sizeOf } from "../registry/store/catalogue.ts";
import { openFolder } from "../registry/store/live-folder.ts";
import { scanCache } from "../registry/store/scan-cache.ts";
import { unpackCache } from "../registry/store/unpack-cache.ts";
import { runCommand, startServing } from "./support/command.ts";
import { COLLECTIONS, placeFixture } from "./support/fixtures.ts";
import { type TestImage, temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { until } from "./support/until.ts";

const ONE = testImage("team/one", "1.0", ["one"]);
const TWO = testImage("team/one", "1.0", ["two"]);
const OTHER = testImage("other", "1.0", ["other"]);

interface Folders {
  readonly root: string;
  readonly cache: string;
  /** The file that is kept. */
  readonly file: string;
}

function folders(context: TestContext): Folders {
  const cache = temporaryFolder(context);
  return { root: temporaryFolder(context), cache, file: join(cache, "scan") };
}

function tarOf(context: TestContext, image: TestImage): Buffer {
  const unpacked = temporaryFolder(context);
  writeExport(unpacked, image, join(unpacked, "export"));
  return execFileSync("tar", ["-c", "-C", join(unpacked, "export"), ...readdirSync(join(unpacked, "export"))]);
}

/** Until what was written here would show if it was written again: before, nothing is kept of it. */
async function settled(root: string): Promise<void> {
  const newest = Math.max(
    ...readdirSync(root, { recursive: true, encoding: "utf8" }).map(
      (name) => statSync(join(root, name), { throwIfNoEntry: false })?.ctimeMs ?? 0,
    ),
  );
  await until(() => Date.now() > newest + 600, "the clock goes on");
}

/** What a start shows, and which files in the folder it opened for that. */
interface Start {
  readonly shown: unknown;
  readonly opened: readonly string[];
}

/** Starts, and stops when the file was written and has these texts in it (or at once). */
async function start(
  context: TestContext,
  { root, cache, file }: Folders,
  texts: readonly string[] | false = [],
): Promise<Start> {
  const opened = new Set<string>();
  const { openSync } = fs;
  const spy = context.mock.method(fs, "openSync", (path: string | URL, ...rest: [number]) => {
    if (String(path).startsWith(root)) opened.add(basename(String(path)));
    return openSync(path, ...rest);
  });
  syncBuiltinESMExports();
  const before = existsSync(file) ? statSync(file).ino : 0;
  const live = openFolder(root, { cache: unpackCache(cache, 1024 ** 3), scans: scanCache(cache, { delay: 0 }) });
  try {
    await live.ready;
    spy.mock.restore();
    syncBuiltinESMExports();
    const shown = everythingIn(live.current);
    const isKept = (wanted: readonly string[]): boolean => {
      if (!existsSync(file) || statSync(file).ino === before) return false;
      const text = readFileSync(file, "utf8");
      return wanted.every((each) => text.includes(each));
    };
    if (texts) await until(() => isKept(texts), "it is kept");
    return { shown, opened: [...opened].sort() };
  } finally {
    live.close();
  }
}

/** All that can be had of a catalogue, as plain values. */
const everythingIn = ({ repositories, names, skipped, warnings }: Catalogue): unknown => ({
  names,
  skipped,
  warnings,
  repositories: [...repositories].map(([key, { name, tags, blobs, made }]) => ({
    key,
    name,
    made: [...made],
    blobs: [...blobs],
    tags: [...tags].map(([tag, image]) => ({
      tag,
      size: sizeOf(image),
      platforms: platformsOf(image),
      digest: image.manifest.descriptor.digest,
      archive: { ...image.archive, manifests: [...image.archive.manifests], blobs: [...image.archive.blobs] },
    })),
  })),
});

/** Changes the file and proves it anew, as nobody but its writer should. */
function forge(file: string, change: (text: string) => string): void {
  const text = change(readFileSync(file, "utf8").slice(0, -64));
  writeFileSync(file, text + createHash("sha256").update(text).digest("hex"));
}

/** Puts an archive into the folder, starts once, and gives what was shown. */
async function kept(context: TestContext, places: Folders): Promise<unknown> {
  writeFileSync(join(places.root, "app.tar"), tarOf(context, ONE));
  writeFileSync(join(places.root, "other.tar"), tarOf(context, OTHER));
  await settled(places.root);
  const { shown, opened } = await start(context, places);
  assert.deepEqual(opened, ["app.tar", "other.tar"]);
  return shown;
}

describe("a start after another", () => {
  for (const collection of COLLECTIONS) {
    it(`shows the same of ${collection.title}, and reads only what is broken`, async (context) => {
      const places = folders(context);
      for (const fixture of collection.fixtures) placeFixture(collection, fixture, places.root);
      await settled(places.root);
      const cold = await start(context, places);
      const warm = await start(context, places, false);
      assert.deepEqual(warm.shown, cold.shown);
      assert.ok(warm.opened.length < cold.opened.length / 2, `${warm.opened.length} of ${cold.opened.length}`);
      const reasons = (warm.shown as Catalogue).skipped.map(({ path }) => path);
      const tars = warm.opened.filter((name) => name.endsWith(".tar"));
      assert.deepEqual(
        tars.filter((name) => !reasons.some((path) => path.endsWith(name))),
        [],
      );
    });
  }

  it("shows the same of what Concourse leaves: an original manifest that was rebuilt, a config that was made", async (context) => {
    const places = folders(context);
    const asPushed = Buffer.from(JSON.stringify(JSON.parse(ONE.manifest.bytes.toString()), undefined, 3));
    const fetched = {
      repository: "team/fetched",
      tag: "1",
      digest: digestOf(asPushed),
      "image.tar": tarOf(context, ONE),
    };
    const made = {
      repository: "team/made",
      tag: "1",
      "metadata.json": "{}",
      "rootfs.tgz": gzipSync(tarOf(context, TWO)),
    };
    for (const [folder, files] of Object.entries({ fetched, made })) {
      mkdirSync(join(places.root, folder));
      for (const [name, content] of Object.entries(files)) writeFileSync(join(places.root, folder, name), content);
    }
    await settled(places.root);
    const cold = await start(context, places, ["/fetched", "/made"]);
    assert.deepEqual(await start(context, places, false), { shown: cold.shown, opened: [] });
    assert.deepEqual((cold.shown as Catalogue).names, ["team/fetched", "team/made"]);
    assert.ok(JSON.stringify(cold.shown).includes(digestOf(asPushed)));
  });

  it("opens none of the archives that are as they were", async (context) => {
    const places = folders(context);
    const shown = await kept(context, places);
    assert.deepEqual(await start(context, places, false), { shown, opened: [] });
  });

  it("lists the same as the first, on the command line too", async (context) => {
    const { root } = folders(context);
    const cache = temporaryFolder(context);
    writeFileSync(join(root, "app.tar"), tarOf(context, ONE));
    writeFileSync(join(root, "app.tar.gz"), gzipSync(tarOf(context, OTHER)));
    await settled(root);
    const cold = await runCommand("list", root, "--format", "json", "--cache", temporaryFolder(context));
    const { child } = await startServing(context, root, "--cache", cache);
    const [own = ""] = readdirSync(cache);
    await until(() => existsSync(join(cache, own, "scan")), "it is kept");
    child.kill();
    const warm = await runCommand("list", root, "--format", "json", "--cache", cache);
    assert.equal(JSON.parse(cold.out).images.length, 2);
    assert.deepEqual(warm, cold);
    // That it is this file which is read.
    forge(join(cache, own, "scan"), (text) => text.replace("team/one:1.0", "team/two:1.0"));
    assert.match((await runCommand("list", root, "--cache", cache)).out, /team\/two/);
  });
});

describe("an archive that was changed while nobody looked", () => {
  const changes: Record<string, (path: string, bytes: Buffer) => void> = {
    "written anew": (path, bytes) => writeFileSync(path, bytes),
    "written anew with its old times": (path, bytes) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(path, bytes);
      utimesSync(path, atime, mtime);
    },
    "replaced by one of the same size and time": (path, bytes) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(`${path}.new`, bytes);
      utimesSync(`${path}.new`, atime, mtime);
      renameSync(`${path}.new`, path);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`(${what}) is read anew, and nothing else`, async (context) => {
      const places = folders(context);
      await kept(context, places);
      const path = join(places.root, "app.tar");
      const bytes = tarOf(context, TWO);
      assert.equal(bytes.length, statSync(path).size);
      change(path, bytes);
      await settled(places.root);
      const { shown, opened } = await start(context, places);
      assert.deepEqual(opened, ["app.tar"]);
      assert.ok(JSON.stringify(shown).includes(TWO.manifest.descriptor.digest));
      assert.ok(!JSON.stringify(shown).includes(ONE.manifest.descriptor.digest));
      assert.deepEqual(await start(context, places, false), { shown, opened: [] });
    });

    it(`(${what}) would be taken for the old one without its state (control)`, async (context) => {
      const places = folders(context);
      await kept(context, places);
      const path = join(places.root, "app.tar");
      const state = identityIn(places.file, path);
      change(path, tarOf(context, TWO));
      const { ino, size, mtimeMs, ctimeMs } = statSync(path);
      forge(places.file, (text) => text.replace(state, `${ino}:${size}:${mtimeMs}:${ctimeMs}`));
      const { shown, opened } = await start(context, places, false);
      assert.deepEqual(opened, []);
      assert.ok(JSON.stringify(shown).includes(ONE.manifest.descriptor.digest));
    });
  }

  it("is not kept when it was written to just before it was read", async (context) => {
    const places = folders(context);
    await kept(context, places);
    writeFileSync(join(places.root, "app.tar"), tarOf(context, TWO));
    await start(context, places);
    assert.deepEqual((await start(context, places, false)).opened, ["app.tar"]);
  });

  it("is forgotten when it is gone", async (context) => {
    const places = folders(context);
    await kept(context, places);
    rmSync(join(places.root, "app.tar"));
    await start(context, places);
    assert.doesNotMatch(readFileSync(places.file, "utf8"), /app\.tar/);
    assert.match(readFileSync(places.file, "utf8"), /other\.tar/);
  });
});

describe("a file of kept archives", () => {
  const flipped = (at: (length: number) => number) => (file: string) => {
    const bytes = readFileSync(file);
    const place = at(bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };
  const cut = (at: (length: number) => number) => (file: string) => {
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, at(bytes.length)));
  };
  const spoilt: Record<string, (file: string) => void> = {
    empty: cut(() => 0),
    "cut in its proof": cut((length) => length - 1),
    "without its proof": cut((length) => length - 64),
    "cut in the middle": cut((length) => length >> 1),
    "with a wrong bit at its start": flipped(() => 0),
    "with a wrong bit in the middle": flipped((length) => length >> 1),
    "with a wrong bit in its proof": flipped((length) => length - 1),
    "of zeros": (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)),
    "written by other code": (file) => forge(file, (text) => `0${text.slice(1).replaceAll("team/one", "team/two")}`),
    "with a line too few, with the right proof": (file) =>
      forge(file, (text) => text.split("\n").slice(0, 2).join("\n")),
    "of another program, with the right proof": (file) => forge(file, () => "{}\n[]\n"),
    "of nothing, with the right proof": (file) => forge(file, () => ""),
  };
  for (const [what, spoil] of Object.entries(spoilt)) {
    it(`(${what}) is ignored and written anew`, async (context) => {
      const places = folders(context);
      const shown = await kept(context, places);
      const good = readFileSync(places.file);
      spoil(places.file);
      assert.notDeepEqual(readFileSync(places.file), good);
      assert.deepEqual(await start(context, places), { shown, opened: ["app.tar", "other.tar"] });
      assert.deepEqual(readFileSync(places.file), good);
    });
  }

  it("is believed when it proves itself (control)", async (context) => {
    const places = folders(context);
    const shown = await kept(context, places);
    forge(places.file, (text) => text.replaceAll("team/one", "team/two"));
    assert.notDeepEqual(await start(context, places, false), { shown, opened: [] });
  });

  it("is not needed: a place where none can be written is reported once", async (context) => {
    const { root, cache } = folders(context);
    writeFileSync(join(root, "app.tar"), tarOf(context, ONE));
    await settled(root);
    const file = join(cache, "a-file");
    writeFileSync(file, "");
    const errors: unknown[] = [];
    const scans = scanCache(join(file, "below"), { delay: 0, onError: (error) => errors.push(error) });
    const live = openFolder(root, { scans });
    context.after(() => live.close());
    assert.deepEqual(live.current.names, ["team/one"]);
    await until(() => errors.length > 0, "somebody hears of it");
    writeFileSync(join(root, "other.tar"), tarOf(context, OTHER));
    await until(() => live.current.names.length === 2, "it goes on");
    assert.equal(errors.length, 1);
  });

  it("and what was unpacked lie beside each other", async (context) => {
    const places = folders(context);
    mkdirSync(join(places.root, "packed"));
    writeFileSync(join(places.root, "packed/app.tar.gz"), gzipSync(tarOf(context, ONE)));
    await settled(places.root);
    const cold = await start(context, places);
    assert.deepEqual(await start(context, places, false), { shown: cold.shown, opened: [] });
    assert.deepEqual(readdirSync(places.cache).length, 2);
    const [unpacked = ""] = readdirSync(places.cache).filter((name) => name.endsWith(".tar"));
    rmSync(join(places.cache, unpacked));
    const again = await start(context, places, false);
    assert.deepEqual(again.shown, cold.shown);
    assert.deepEqual(again.opened, ["app.tar.gz"]);
    rmSync(join(places.root, "packed"), { recursive: true });
    await start(context, places);
    assert.deepEqual(readdirSync(places.cache), ["scan"]);
  });
});

/** The state in which an archive was when it was kept. */
function identityIn(file: string, path: string): string {
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((text) => text.startsWith(JSON.stringify([path]).slice(0, -1)));
  return (JSON.parse(line ?? "[]") as string[])[1] ?? "";
}
