import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { digestOf } from "../../registry/reference.ts";
import { openDataStore } from "../../registry/store/data/data-store.ts";
import { type Disk, type DiskFile, nodeDisk } from "../../registry/store/data/disk.ts";
import { runCommand } from "../support/command.ts";
import { hexOf, pushImage, type TestImage, testImage } from "../support/images.ts";
import { remote } from "../support/remote.ts";
import { type Answer, ask, errorOf, startServer } from "../support/server.ts";
import { describeClient } from "./describeClient.ts";
import { findProgram, tool } from "./programs.ts";
import { checkPushed, type PushServer, startPushServer } from "./pushing.ts";
import { run } from "./run.ts";
import { makeScratch } from "./scratch.ts";

const MIB = 1024 * 1024;
/** A client's blobs are kept for ten seconds after it used them; a machine may be busy. */
const PATIENCE = 60_000;

const KEPT = noisyImage("kept", 12);
const DELETED = noisyImage("deleted", 12);
/** Gives back room for the folders of new blobs, which stay. */
const SMALL = noisyImage("small", 1);
const AGAIN = noisyImage("again", 8);

/** What takes up a disk, and how: the first leaves room for half a blob, or for one file. */
const WAYS = [
  { of: "bytes", full: fillBytes, almost: (folder: string) => fillBytes(folder, 3 * MIB) },
  { of: "inodes", full: fillInodes, almost: (folder: string) => fillInodes(folder, 1) },
];

/** How not to go about a disk that is full. */
const CARELESS: Record<string, Disk> = {
  "takes no notice of what fails": {
    ...nodeDisk,
    open: async (path) => {
      const file = await nodeDisk.open(path);
      return file && heedless(file);
    },
    makeFolder: (path) => nodeDisk.makeFolder(path).catch(() => true),
  },
  "leaves what it has begun": { ...nodeDisk, remove: async () => true },
};

const needs = { programs: ["mount", "crane"], containers: true };

describeClient("a disk that is full", needs, (cleanup) => {
  for (const { of, almost, full } of WAYS) {
    it(`of ${of}: pushes are refused and leave nothing, all else goes on, and after a collection pushes do`, async () => {
      const folder = await makeScratch(cleanup);
      const disk = await mountSmallDisk(folder);
      const server = await startPushServer(cleanup, join(disk, "data"), "--gc-grace", "0");
      const crane = tool(findProgram("crane"), folder);
      const registry = remote(server.origin);
      await pushImage(registry, KEPT);
      for (const image of [DELETED, SMALL]) await pushImage(registry, image);

      for (const fill of [almost, full]) {
        const filler = fill(join(disk, "filler"));
        const all = fill === full;
        await assertRefusesPushes(server, disk, { all });
        const referrers = await ask(server.origin, "GET", `/v2/kept/referrers/${KEPT.manifest.descriptor.digest}`);
        assert.deepEqual(JSON.parse(referrers.body.toString()).manifests, []);
        assert.equal(await crane("catalog", server.host), "deleted\nhello\nkept\nsmall\n");
        assert.equal(await crane("ls", `${server.host}/kept`), "1\n");
        await crane("pull", `${server.host}/kept:1`, join(folder, "kept.tar"));
        if (!all) rmSync(filler, { recursive: true });
      }

      for (const { repository, manifest } of [DELETED, SMALL]) {
        await crane("delete", `${server.host}/${repository}@${manifest.descriptor.digest}`);
      }
      for (const image of [DELETED, SMALL]) await untilCollected(server, image);
      await pushImage(registry, AGAIN);
      await crane("pull", `${server.host}/again:1`, join(folder, "again.tar"));
      await checkPushed(server.data);
    });

    for (const [what, careless] of Object.entries(CARELESS)) {
      it(`of ${of}: a store that ${what} would be noticed (control)`, async () => {
        const disk = await mountSmallDisk(await makeScratch(cleanup));
        const data = join(disk, "data");
        const store = await openDataStore(data, { disk: careless });
        cleanup(store.close);
        const { origin, close } = await startServer(store.registry);
        cleanup(close);
        await pushImage(remote(origin), KEPT);
        almost(join(disk, "filler"));
        await assert.rejects(assertRefusesPushes({ origin, data }, disk, { all: false }), { name: "AssertionError" });
      });
    }
  }
});

function heedless(file: DiskFile): DiskFile {
  return { ...file, write: (chunks, position) => file.write(chunks, position).catch(() => {}) };
}

/** Mounts a disk of 64 MiB and 500 inodes, which goes away with the folder that it is in. */
async function mountSmallDisk(folder: string): Promise<string> {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  await run(findProgram("mount"), ["-t", "tmpfs", "-o", "size=64m,nr_inodes=500", "tmpfs", disk]);
  return disk;
}

/** Writes a file, until no more than so many bytes are free. */
function fillBytes(folder: string, leave = 0): string {
  mkdirSync(folder);
  const file = openSync(join(folder, "bytes"), "w");
  untilFull(() => writeSync(file, Buffer.alloc(4096)));
  closeSync(file);
  const path = join(folder, "bytes");
  truncateSync(path, statSync(path).size - leave);
  return folder;
}

/** Makes files, until no more than so many can be made. */
function fillInodes(folder: string, leave = 0): string {
  mkdirSync(folder);
  let count = 0;
  untilFull(() => writeFileSync(join(folder, String(count++)), ""));
  for (let index = 0; index < leave; index++) rmSync(join(folder, String(index)));
  return folder;
}

function untilFull(take: () => void): void {
  try {
    for (;;) take();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

/** Pushes that cannot be taken: a blob at once and in pieces, to old and new repositories; on a full disk `all`, manifests too. */
function pushes({ origin }: Pick<PushServer, "origin">, { all }: { all: boolean }): (() => Promise<Answer>)[] {
  const blob = randomBytes(6 * MIB);
  const withBody = { body: blob, headers: { "Content-Type": "application/octet-stream" } };
  const pushBlob = (name: string) => () =>
    ask(origin, "POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(blob)}`, withBody);
  const pushPieces = async (): Promise<Answer> => {
    const opened = await ask(origin, "POST", "/v2/pieces/blobs/uploads/");
    const session = opened.headers.location ?? "";
    if (opened.status !== 202) return opened;
    const piece = await ask(origin, "PATCH", session, withBody);
    return piece.status === 202 ? ask(origin, "PUT", `${session}?digest=${digestOf(blob)}`) : piece;
  };
  // Larger than what a page of the disk may have left.
  const annotations = { noise: randomBytes(64 * 1024).toString("base64") };
  const pushManifest = (more: object) => () => {
    const manifest = { ...JSON.parse(Buffer.from(KEPT.manifest.bytes).toString()), ...more };
    const headers = { "Content-Type": KEPT.manifest.descriptor.mediaType };
    return ask(origin, "PUT", "/v2/kept/manifests/2", { body: JSON.stringify(manifest), headers });
  };
  const subject = { subject: KEPT.manifest.descriptor };
  const blobs = [pushBlob("kept"), pushBlob("new"), pushPieces];
  return all ? [...blobs, pushManifest({ annotations }), pushManifest({ ...subject, annotations })] : blobs;
}

/** Pushes what there is no room for: each is refused, and nothing of it is left. */
async function assertRefusesPushes(
  server: Pick<PushServer, "origin" | "data">,
  disk: string,
  options: { all: boolean },
): Promise<void> {
  const held = namesBelow(server.data);
  for (const push of pushes(server, options)) assertRefused(await push(), disk);
  assert.deepEqual(namesBelow(server.data), held);
}

function assertRefused(answer: Answer, disk: string): void {
  assert.deepEqual([answer.status, errorOf(answer).code], [507, "INSUFFICIENT_STORAGE"]);
  assert.ok(!answer.body.includes(disk), answer.body.toString());
}

/** Collects until the bytes of an image are gone: what a client used a moment ago is kept for a while. */
async function untilCollected({ data }: PushServer, { layers }: TestImage): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  const digests = layers.map((layer) => hexOf(digestOf(layer)));
  const isThere = () => namesBelow(data).some((name) => digests.some((hex) => name.includes(hex)));
  while (isThere()) {
    const { code, out, err } = await runCommand("gc", "--data", data, "--gc-grace", "0");
    assert.equal(code, 0, err);
    assert.ok(Date.now() < deadline, `it is still there: ${out}`);
    await delay(200);
  }
}

/** Everything in a data folder, except requests, and marks of referrers: without their manifest they say nothing. */
function namesBelow(data: string): string[] {
  const names = readdirSync(data, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !/^requests\/|\/referrers\b/.test(name)).sort();
}

function noisyImage(repository: string, megabytes: number): TestImage {
  return testImage(repository, "1", [randomBytes((megabytes * MIB * 3) / 4).toString("base64")]);
}
