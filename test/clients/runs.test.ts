import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, it } from "node:test";
import type { Catalogue } from "../../registry/store/catalogue.ts";
import { folder } from "../../registry/store/folder.ts";
import type { LiveFolder } from "../../registry/store/live-folder.ts";
import {
  type Fixture,
  forgetFixture,
  INCOMPLETE,
  OWN,
  openFixture,
  openUnpacking,
  REFUSED,
} from "../support/fixtures.ts";
import { projectRoot } from "../support/root.ts";
import { startServer } from "../support/server.ts";
import { describeClient } from "./describeClient.ts";
import { startDockerd } from "./dockerd.ts";
import { preparePodman, RUN_PULLED } from "./podman.ts";
import type { Tool } from "./programs.ts";
import { run } from "./run.ts";
import { makeScratch } from "./scratch.ts";

/** What the images of the collection say when they run. */
const GREETING = /^hello from alpha \(amd64\)$/m;

/** Of archives whose first tag is an artifact or has no program: the one to run. */
const TAGS: Readonly<Record<string, string>> = { "skopeo5-oci-several-tags": "multi" };

/** Of these nothing can be run on Linux, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "crane-windows-foreign": "it is for Windows",
  "oras-referrers-tar": "it has no program",
  "crane-crane-made-oci": "it has no program",
  "crane-crane-annotated": "it has no program",
};

/** Layers compressed with zstd, which the docker of Debian does not know. */
const ZSTD: ReadonlySet<string> = new Set(["crane-zstd"]);

const dockerNeeds = { programs: ["docker", "dockerd", "containerd", "runc"], containers: true };
const isRun = ({ id, valid }: Fixture): boolean => valid && !(id in REFUSED) && id !== INCOMPLETE && !(id in NOT_RUN);
const runnable = OWN.fixtures.filter(isRun);

describeClient("docker runs the image of an archive", dockerNeeds, (cleanup) => {
  let scratch: string;
  let docker: Tool;

  before(async () => {
    scratch = await makeScratch(cleanup);
    docker = await startDockerd(scratch, "http://localhost", cleanup);
  });

  for (const fixture of runnable.filter(({ id }) => !ZSTD.has(id))) {
    it(`${fixture.id} (${fixture.tool})`, () =>
      withImage(fixture, scratch, async (image) => {
        await docker("pull", "--quiet", image);
        assert.match(await docker("run", "--rm", "--network=none", image), GREETING);
        await docker("rmi", "--force", image);
      }));
  }

  it("a rootfs.tgz of Concourse", async () => {
    const root = join(scratch, "concourse");
    await writeRootfs(join(root, "hello-resource"));
    await withServed(await openUnpacking(root), async (host) => {
      await docker("pull", "--quiet", `${host}/team/hello:7`);
      assert.match(
        await docker("run", "--rm", "--network=none", `${host}/team/hello:7`),
        /ociregistry served this image/,
      );
    });
  });
});

/** What Concourse makes of the sample image. */
async function writeRootfs(resource: string): Promise<void> {
  const sample = join(projectRoot(), "images/hello/latest");
  const rootfs = join(resource, "../rootfs");
  for (const folder of [resource, rootfs]) mkdirSync(folder, { recursive: true });
  const [{ Layers: layers }] = JSON.parse(readFileSync(join(sample, "manifest.json"), "utf8")) as [
    { Layers: string[] },
  ];
  for (const layer of layers) await run("tar", ["-xzf", join(sample, layer), "-C", rootfs]);
  await run("tar", ["-czf", join(resource, "rootfs.tgz"), "-C", rootfs, "."]);
  rmSync(rootfs, { recursive: true });
  const files = { repository: "team/hello", tag: "7", "metadata.json": '{"entrypoint":["/hello"],"user":"65534"}' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(resource, name), text);
}

describeClient("podman runs the image of an archive", { programs: ["podman", "runc"], containers: true }, (cleanup) => {
  let scratch: string;
  let podman: Tool;

  before(async () => {
    scratch = await makeScratch(cleanup);
    podman = preparePodman(scratch, cleanup);
  });

  for (const fixture of runnable.filter(({ id }) => ZSTD.has(id))) {
    it(`${fixture.id} (${fixture.tool})`, () =>
      withImage(fixture, scratch, async (image) => {
        await podman("pull", "--quiet", "--tls-verify=false", image);
        assert.match(await podman("run", ...RUN_PULLED, image), GREETING);
      }));
  }
});

/** Serves a fixture, for as long as `use` takes. */
async function withImage(fixture: Fixture, scratch: string, use: (image: string) => Promise<void>): Promise<void> {
  const root = join(scratch, fixture.id);
  const live = await openFixture(OWN, fixture, root);
  try {
    await withServed(live, (host) => use(`${host}/${imageOf(live.current, fixture)}`));
  } finally {
    forgetFixture(root);
    rmSync(root, { recursive: true });
  }
}

/** Serves a folder, for as long as `use` takes. */
async function withServed(live: LiveFolder, use: (host: string) => Promise<void>): Promise<void> {
  const server = await startServer(folder(live));
  try {
    await use(server.origin.slice("http://".length));
  } finally {
    await server.close();
  }
}

/** One image of an archive: by tag, or by digest when it has no tag. */
function imageOf({ repositories }: Catalogue, { id, originals }: Fixture): string {
  for (const { name, tags } of repositories.values()) {
    const tag = [...tags.keys()].find((each) => each === (TAGS[id] ?? each));
    if (tag !== undefined) return `${name}:${tag}`;
  }
  const [repository] = repositories.values();
  const [original] = originals;
  assert.ok(repository && original, "it has neither a tag nor a digest");
  return `${repository.name}@${original.digest}`;
}
