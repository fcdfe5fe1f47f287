import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { projectRoot } from "../support/root.ts";
import { cleanupAfterSuite } from "./cleanup.ts";
import { startContainerd, writeMirror } from "./containerd.ts";
import { describeClient } from "./describeClient.ts";
import { startDockerd } from "./dockerd.ts";
import { type Export, filesByDigest, readExport } from "./export.ts";
import { preparePodman, RUN_PULLED } from "./podman.ts";
import { findProgram, type Tool, tool } from "./programs.ts";
import { run } from "./run.ts";
import { makeScratch } from "./scratch.ts";
import { servedDigest, sha256, startServer } from "./server.ts";

const GREETING = /ociregistry/;

describe("real clients", () => {
  const cleanup = cleanupAfterSuite();
  let host: string;
  let digest: string;
  let sample: Export;

  before(async () => {
    sample = await readExport(join(projectRoot(), "images/hello/latest"));
    host = await startServer(cleanup);
    digest = await servedDigest(host, "hello", "latest");
  });

  /** The two ways to ask for an image. What they ask is known when a test runs, not before. */
  const ways = [
    { way: "by tag", image: () => `${host}/hello:latest` },
    { way: "by digest", image: () => `${host}/hello@${digest}` },
  ];

  describeClient("crane", { programs: ["crane"] }, (cleanup) => {
    let folder: string;
    let crane: Tool;

    before(async () => {
      folder = await makeScratch(cleanup);
      crane = tool(findProgram("crane"), folder);
    });

    for (const { way, image } of ways) {
      it(`shows the manifest ${way}`, async () => {
        assert.equal(sha256(await crane("manifest", image())), digest);
      });

      it(`shows the digest ${way}`, async () => {
        assert.equal((await crane("digest", image())).trim(), digest);
      });

      it(`pulls, ${way}, the files that were put in the folder`, async () => {
        const pulled = await pullExport(way, image());
        assert.equal(pulled.config, sample.config);
        assert.deepEqual(pulled.layers, sample.layers);
        for (const name of [sample.config, ...sample.layers]) {
          assert.deepEqual(pulled.files.get(name), sample.files.get(name));
        }
      });

      it(`finds the image valid ${way}`, async () => {
        await crane("validate", "--remote", image());
      });
    }

    it("finds the same image below library/", async () => {
      assert.equal((await crane("digest", `${host}/library/hello:latest`)).trim(), digest);
    });

    it("lists the tags", async () => {
      assert.ok(lines(await crane("ls", `${host}/hello`)).includes("latest"));
    });

    it("lists the repositories", async () => {
      assert.ok(lines(await crane("catalog", host)).includes("hello"));
    });

    async function pullExport(way: string, image: string): Promise<Export> {
      const unpacked = join(folder, way);
      await mkdir(unpacked);
      await crane("pull", image, `${unpacked}.tar`);
      await run("tar", ["-xf", `${unpacked}.tar`, "-C", unpacked]);
      return readExport(unpacked);
    }
  });

  describeClient("skopeo", { programs: ["skopeo"] }, (cleanup) => {
    let folder: string;
    let skopeo: Tool;

    before(async () => {
      folder = await makeScratch(cleanup);
      skopeo = tool(findProgram("skopeo"), folder, "--insecure-policy", "--tmpdir", folder);
    });

    for (const { way, image } of ways) {
      it(`inspects ${way}`, async () => {
        const text = await skopeo("inspect", "--tls-verify=false", `docker://${image()}`);
        const about = JSON.parse(text) as { Digest: string; Layers: string[]; RepoTags: string[] };
        assert.equal(about.Digest, digest);
        assert.deepEqual(about.Layers, sample.layers);
        assert.ok(about.RepoTags.includes("latest"));
      });

      it(`copies ${way} to a folder, and keeps the digest`, async () => {
        const target = join(folder, `dir ${way}`);
        await copy(image(), `dir:${target}`, "--preserve-digests");
        const files = await filesByDigest(target);
        assertHasAll(files, [digest, sample.config, ...sample.layers]);
      });

      // The conversion may write a manifest and a config of its own, but not the layers.
      it(`copies ${way} to an OCI layout, and keeps the layers`, async () => {
        const target = join(folder, `oci ${way}`);
        await copy(image(), `oci:${target}:latest`);
        assertHasAll(await filesByDigest(join(target, "blobs/sha256")), sample.layers);
      });
    }

    async function copy(image: string, target: string, ...options: string[]): Promise<void> {
      await skopeo("copy", "--src-tls-verify=false", ...options, `docker://${image}`, target);
    }
  });

  const podmanNeeds = { programs: ["podman", "runc"], containers: true };

  describeClient("podman", podmanNeeds, (cleanup) => {
    let podman: Tool;

    before(async () => {
      podman = preparePodman(await makeScratch(cleanup), cleanup);
    });

    for (const { way, image } of ways) {
      it(`pulls ${way} and runs`, async () => {
        const id = (await podman("pull", "--quiet", "--tls-verify=false", image())).trim();
        assert.equal(`sha256:${id}`, sample.config);
        assert.equal((await podman("inspect", "--format={{.Digest}}", id)).trim(), digest);
        assert.match(await podman("run", ...RUN_PULLED, image()), GREETING);
        await podman("rmi", "--force", id);
      });
    }
  });

  const dockerNeeds = { programs: ["docker", "dockerd", "containerd", "runc"], containers: true };

  describeClient("docker", dockerNeeds, (cleanup) => {
    let docker: Tool;

    before(async () => {
      docker = await startDockerd(await makeScratch(cleanup), `http://${host}`, cleanup);
    });

    // A name without a host is asked of the mirror, as library/hello.
    const named = { way: "by tag through a mirror", image: () => "hello:latest" };

    for (const { way, image } of [...ways, named]) {
      it(`pulls ${way} and runs`, async () => {
        await docker("pull", "--quiet", image());
        const origins = await docker("inspect", "--format={{json .RepoDigests}}", image());
        assert.match(origins, new RegExp(`@${digest}"`));
        assert.match(await docker("run", "--rm", "--network=none", image()), GREETING);
        await docker("rmi", "--force", image());
      });
    }
  });

  const containerdNeeds = { programs: ["containerd", "ctr", "runc"], containers: true };

  describeClient("containerd", containerdNeeds, (cleanup) => {
    let ctr: Tool;
    let mirror: string;

    before(async () => {
      const folder = await makeScratch(cleanup);
      mirror = await writeMirror(folder, "example.test", `http://${host}`);
      ctr = await startContainerd(folder, cleanup);
    });

    for (const { way, image } of ways) {
      it(`pulls ${way} and runs`, () => pullAndRun(image(), "--plain-http"));

      // containerd adds `?ns=example.test` to each of these requests.
      it(`pulls ${way} through a mirror and runs`, () =>
        pullAndRun(image().replace(host, "example.test"), "--hosts-dir", mirror));
    }

    async function pullAndRun(image: string, ...options: string[]): Promise<void> {
      await ctr("images", "pull", "--snapshotter=native", ...options, image);
      assert.match(await ctr("images", "list", `name==${image}`), new RegExp(` ${digest} `));
      assert.match(await ctr("run", "--rm", "--snapshotter=native", image, "hello"), GREETING);
      await ctr("images", "remove", "--sync", image);
    }
  });
});

/** The lines of a client's output, without the empty one at its end. */
function lines(output: string): string[] {
  return output.trim().split("\n");
}

function assertHasAll(files: Map<string, Buffer>, digests: string[]): void {
  const missing = digests.filter((digest) => !files.has(digest));
  assert.deepEqual(missing, []);
}
