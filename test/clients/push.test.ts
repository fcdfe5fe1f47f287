import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { projectRoot } from "../support/root.ts";
import { until } from "../support/until.ts";
import { cleanupAfterSuite } from "./cleanup.ts";
import { startContainerd } from "./containerd.ts";
import { describeClient } from "./describeClient.ts";
import { startDockerd } from "./dockerd.ts";
import { type Export, filesByDigest, readExport } from "./export.ts";
import { preparePodman, RUN_PULLED } from "./podman.ts";
import { findProgram, type Tool, tool } from "./programs.ts";
import { type PushServer, startPushServer } from "./pushing.ts";
import { makeScratch } from "./scratch.ts";
import { servedDigest, sha256 } from "./server.ts";

const GREETING = /ociregistry/;
const THING = "application/vnd.example.thing";
const SBOM = "application/vnd.example.sbom";

describe("real clients push", () => {
  const cleanup = cleanupAfterSuite();
  let server: PushServer;
  let host: string;
  let digest: string;
  let sample: Export;

  before(async () => {
    sample = await readExport(join(projectRoot(), "images/hello/latest"));
    server = await startPushServer(cleanup, join(await makeScratch(cleanup), "data"));
    host = server.host;
    digest = await servedDigest(host, "hello", "latest");
  });

  /** The requests to a repository that were answered so far, as in `POST 202`. */
  const requestsTo = async (repository: string): Promise<string[]> => {
    // Lines are written many at a time, and in order: when the last one is there, all are.
    const last = `/livez?${randomUUID()}`;
    await fetch(`http://${host}${last}`);
    await until(() => server.output().includes(last), "the last line is written");
    return server
      .output()
      .split("\n")
      .filter((line) => line.includes(`"/v2/${repository}/`))
      .map((line) => JSON.parse(line) as { method: string; status: number })
      .map(({ method, status }) => `${method} ${status}`);
  };

  describeClient("crane", { programs: ["crane"] }, (cleanup) => {
    let crane: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      crane = tool(findProgram("crane"), folder);
    });

    it("pushes a tar, and the image is found valid by tag and by digest", async () => {
      await crane("pull", `${host}/hello:latest`, join(folder, "hello.tar"));
      const pushed = (await crane("push", join(folder, "hello.tar"), `${host}/crane/tar:1`)).trim();
      assert.equal(pushed, `${host}/crane/tar@${digest}`);
      for (const image of [`${host}/crane/tar:1`, pushed]) {
        assert.equal(sha256(await crane("manifest", image)), digest);
        await crane("validate", "--remote", image);
      }
      assert.deepEqual(lines(await crane("ls", `${host}/crane/tar`)), ["1"]);
      assert.ok(lines(await crane("catalog", host)).includes("crane/tar"));
    });

    it("copies, and mounts the blobs instead of sending them", async () => {
      await crane("copy", `${host}/hello:latest`, `${host}/crane/copy:1`);
      await crane("validate", "--remote", `${host}/crane/copy@${digest}`);
      const requests = await requestsTo("crane/copy");
      assert.ok(requests.includes("POST 201"), requests.join());
      assert.deepEqual(
        requests.filter((request) => request.startsWith("PATCH")),
        [],
      );
    });

    it("pushes an index, whose images can be pulled by their platform", async () => {
      await pushIndex(crane, "crane/index");
      await crane("validate", "--remote", `${host}/crane/index:both`);
      for (const platform of ["linux/amd64", "linux/arm64"]) {
        const config = await crane("config", "--platform", platform, `${host}/crane/index:both`);
        assert.equal((JSON.parse(config) as { architecture: string }).architecture, platform.slice("linux/".length));
      }
    });

    it("moves a tag, and deletes it", async () => {
      await crane("copy", `${host}/hello:latest`, `${host}/crane/moved:1`);
      await crane("mutate", `${host}/crane/moved:1`, "--label", "second=yes", "--tag", `${host}/crane/moved:1`);
      assert.notEqual((await crane("digest", `${host}/crane/moved:1`)).trim(), digest);
      await crane("tag", `${host}/crane/moved@${digest}`, "2");
      await crane("delete", `${host}/crane/moved:1`);
      assert.deepEqual(lines(await crane("ls", `${host}/crane/moved`)), ["2"]);
      await crane("validate", "--remote", `${host}/crane/moved:2`);
    });
  });

  describeClient("skopeo", { programs: ["skopeo", "crane"] }, (cleanup) => {
    let skopeo: Tool;
    let crane: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      skopeo = tool(findProgram("skopeo"), folder, "--insecure-policy", "--tmpdir", folder);
      crane = tool(findProgram("crane"), folder);
    });

    const copy = (...args: string[]) => skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", ...args);

    it("copies a folder to the server and back, by tag and by digest", async () => {
      await copy(`docker://${host}/hello:latest`, `dir:${join(folder, "hello")}`);
      await copy("--preserve-digests", `dir:${join(folder, "hello")}`, `docker://${host}/skopeo/image:1`);
      for (const reference of [":1", `@${digest}`]) {
        const back = join(folder, `back ${reference[0]}`);
        await copy(`docker://${host}/skopeo/image${reference}`, `dir:${back}`);
        assertHasAll(await filesByDigest(back), [digest, sample.config, ...sample.layers]);
      }
    });

    it("copies an index with all its images, and keeps their digests", async () => {
      const index = await pushIndex(crane, "skopeo/from");
      await copy("--all", "--preserve-digests", `docker://${host}/skopeo/from:both`, `docker://${host}/skopeo/to:both`);
      assert.equal(await servedDigest(host, "skopeo/to", "both"), index);
      const back = join(folder, "index");
      await copy("--all", `docker://${host}/skopeo/to@${index}`, `dir:${back}`);
      assertHasAll(await filesByDigest(back), [index, digest]);
    });

    it("deletes an image with all its tags", async () => {
      for (const tag of ["1", "2"])
        await copy(`docker://${host}/hello:latest`, `docker://${host}/skopeo/deleted:${tag}`);
      await crane("mutate", `${host}/hello:latest`, "--label", "x=y", "--tag", `${host}/skopeo/deleted:3`);
      await skopeo("delete", "--tls-verify=false", `docker://${host}/skopeo/deleted:1`);
      const list = await skopeo("list-tags", "--tls-verify=false", `docker://${host}/skopeo/deleted`);
      assert.deepEqual((JSON.parse(list) as { Tags: string[] }).Tags, ["3"]);
    });
  });

  describeClient("podman", { programs: ["podman", "runc"], containers: true }, (cleanup) => {
    let podman: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      podman = preparePodman(folder, cleanup);
      await podman("pull", "--quiet", "--tls-verify=false", `${host}/hello:latest`);
    });

    it("pushes, and pulls by tag and by digest what it pushed, and runs it", async () => {
      const said = join(folder, "digest");
      const pushed = `${host}/podman/image`;
      await podman("push", "--tls-verify=false", "--digestfile", said, `${host}/hello:latest`, `${pushed}:1`);
      const pushedDigest = (await readFile(said, "utf8")).trim();
      assert.equal(await servedDigest(host, "podman/image", "1"), pushedDigest);
      await podman("rmi", "--all", "--force");
      for (const image of [`${pushed}:1`, `${pushed}@${pushedDigest}`]) {
        await podman("pull", "--quiet", "--tls-verify=false", image);
        assert.match(await podman("run", ...RUN_PULLED, image), GREETING);
        await podman("rmi", "--all", "--force");
      }
    });

    it("pushes a manifest list with its images", async () => {
      await podman("manifest", "create", "both");
      await podman("manifest", "add", "--tls-verify=false", "both", `docker://${host}/hello:latest`);
      await podman("manifest", "push", "--tls-verify=false", "--all", "both", `docker://${host}/podman/list:1`);
      await podman("pull", "--quiet", "--tls-verify=false", `${host}/podman/list:1`);
      assert.match(await podman("run", ...RUN_PULLED, `${host}/podman/list:1`), GREETING);
    });
  });

  const dockerNeeds = { programs: ["docker", "dockerd", "containerd", "runc"], containers: true };

  describeClient("docker", dockerNeeds, (cleanup) => {
    let docker: Tool;

    before(async () => {
      docker = await startDockerd(await makeScratch(cleanup), `http://${host}`, cleanup);
    });

    async function push(image: string): Promise<{ said: string; digest: string }> {
      const said = await docker("push", image);
      return { said, digest: /digest: (sha256:\w+)/.exec(said)?.[1] ?? assert.fail(said) };
    }

    it("pushes, and pulls by tag and by digest what it pushed, and runs it", async () => {
      await docker("pull", "--quiet", `${host}/hello:latest`);
      await docker("tag", `${host}/hello:latest`, `${host}/docker/image:1`);
      const pushed = await push(`${host}/docker/image:1`);
      assert.equal(await servedDigest(host, "docker/image", "1"), pushed.digest);
      await docker("rmi", "--force", `${host}/docker/image:1`, `${host}/hello:latest`);
      for (const image of [`${host}/docker/image:1`, `${host}/docker/image@${pushed.digest}`]) {
        await docker("pull", "--quiet", image);
        assert.match(await docker("run", "--rm", "--network=none", image), GREETING);
        await docker("rmi", "--force", image);
      }
    });

    it("pushes an image with a layer of its own, and sends no layer that is there", async () => {
      await docker("pull", "--quiet", `${host}/hello:latest`);
      await docker("create", "--network=none", "--name=changed", `${host}/hello:latest`);
      const file = join(await makeScratch(cleanup), "file");
      await writeFile(file, "a layer of its own");
      await docker("cp", file, "changed:/file");
      await docker("commit", "changed", `${host}/docker/own:1`);
      await docker("push", `${host}/docker/own:1`);
      assert.match((await push(`${host}/docker/own:1`)).said, /Layer already exists/);
      await docker("tag", `${host}/docker/own:1`, `${host}/docker/again:1`);
      const again = await push(`${host}/docker/again:1`);
      assert.match(again.said, /Mounted from docker\/own/);
      await docker("rm", "changed");
      await docker("rmi", "--force", `${host}/docker/own:1`, `${host}/docker/again:1`);
      assert.match(await docker("run", "--rm", "--network=none", `${host}/docker/again@${again.digest}`), GREETING);
    });
  });

  const containerdNeeds = { programs: ["containerd", "ctr", "runc"], containers: true };

  describeClient("containerd", containerdNeeds, (cleanup) => {
    it("pushes, and pulls by tag and by digest what it pushed, and runs it", async () => {
      const ctr = await startContainerd(await makeScratch(cleanup), cleanup);
      await ctr("images", "pull", "--plain-http", "--snapshotter=native", `${host}/hello:latest`);
      await ctr("images", "push", "--plain-http", `${host}/ctr/image:1`, `${host}/hello:latest`);
      assert.equal(await servedDigest(host, "ctr/image", "1"), digest);
      await ctr("images", "remove", "--sync", `${host}/hello:latest`);
      for (const image of [`${host}/ctr/image:1`, `${host}/ctr/image@${digest}`]) {
        await ctr("images", "pull", "--plain-http", "--snapshotter=native", image);
        assert.match(await ctr("run", "--rm", "--snapshotter=native", image, "pushed"), GREETING);
        await ctr("images", "remove", "--sync", image);
      }
    });
  });

  describeClient("oras", { programs: ["oras", "env"] }, (cleanup) => {
    let oras: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      // It names files in a manifest as they are named on its command line, so it has to be where they are.
      oras = tool(findProgram("env"), folder, "-C", folder, findProgram("oras"));
      await writeFile(join(folder, "thing"), "a thing");
    });

    const push = (image: string) => oras("push", ...PLAIN, "--artifact-type", THING, image, "thing:text/plain");

    it("pushes an artifact, and pulls the same bytes by tag and by digest", async () => {
      await push(`${host}/oras/thing:1`);
      const pushed = (await oras("resolve", ...PLAIN, `${host}/oras/thing:1`)).trim();
      for (const reference of [":1", `@${pushed}`]) {
        await oras("pull", ...PLAIN, "--output", `back${reference[0]}`, `${host}/oras/thing${reference}`);
        assert.equal(await readFile(join(folder, `back${reference[0]}`, "thing"), "utf8"), "a thing");
      }
    });

    it("attaches, discovers, and copies an artifact with what is attached", async () => {
      await push(`${host}/oras/subject:1`);
      await oras("attach", ...PLAIN, "--artifact-type", SBOM, `${host}/oras/subject:1`, "thing:text/plain");
      assert.match(await oras("discover", ...PLAIN, `${host}/oras/subject:1`), new RegExp(SBOM));
      await oras("copy", "--recursive", ...FROM_TO_PLAIN, `${host}/oras/subject:1`, `${host}/oras/copied:1`);
      const found = await oras("discover", ...PLAIN, "--format=json", `${host}/oras/copied:1`);
      const { referrers } = JSON.parse(found) as { referrers: { artifactType: string }[] };
      assert.deepEqual(
        referrers.map(({ artifactType }) => artifactType),
        [SBOM],
      );
    });

    it("tags, lists, and deletes", async () => {
      await push(`${host}/oras/tagged:1`);
      await oras("tag", ...PLAIN, `${host}/oras/tagged:1`, "2", "3");
      assert.deepEqual(lines(await oras("repo", "tags", ...PLAIN, `${host}/oras/tagged`)), ["1", "2", "3"]);
      assert.ok(lines(await oras("repo", "ls", ...PLAIN, host)).includes("oras/tagged"));
      await oras("manifest", "delete", ...PLAIN, "--force", `${host}/oras/tagged:2`);
      await assert.rejects(oras("resolve", ...PLAIN, `${host}/oras/tagged:1`), /not found/);
    });

    it("pushes, fetches and deletes a blob", async () => {
      await oras("blob", "push", ...PLAIN, `${host}/oras/blob`, "thing");
      const blob = `${host}/oras/blob@${sha256("a thing")}`;
      assert.equal(await oras("blob", "fetch", ...PLAIN, "--output", "-", blob), "a thing");
      await oras("blob", "delete", ...PLAIN, "--force", blob);
      await assert.rejects(oras("blob", "fetch", ...PLAIN, "--output", "-", blob), /not found/);
    });
  });

  describeClient("regctl", { programs: ["regctl"] }, (cleanup) => {
    let regctl: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      regctl = tool(findProgram("regctl"), folder);
      await regctl("registry", "set", "--tls=disabled", host);
    });

    it("copies an image, exports it and imports it again, with the same digest", async () => {
      await regctl("image", "copy", `${host}/hello:latest`, `${host}/regctl/image:1`);
      const file = join(folder, "image.tar");
      await regctl("image", "export", `${host}/regctl/image@${digest}`, file);
      await regctl("image", "import", `${host}/regctl/imported:1`, file);
      assert.equal((await regctl("image", "digest", `${host}/regctl/imported:1`)).trim(), digest);
      const [layer = ""] = sample.layers;
      const layers = join(folder, "layers");
      await regctl("image", "copy", `${host}/regctl/imported:1`, `ocidir://${layers}:1`);
      assertHasAll(await filesByDigest(join(layers, "blobs/sha256")), [digest, sample.config, layer]);
    });

    it("copies an image with its referrers", async () => {
      await regctl("image", "copy", `${host}/hello:latest`, `${host}/regctl/subject:1`);
      const file = join(folder, "sbom");
      await writeFile(file, "an SBOM");
      const subject = `${host}/regctl/subject:1`;
      await regctl("artifact", "put", "--artifact-type", SBOM, "--file", file, "--subject", subject);
      await regctl("image", "copy", "--referrers", subject, `${host}/regctl/with:1`);
      const listed = await regctl("artifact", "list", "--format={{json .Descriptors}}", `${host}/regctl/with:1`);
      assert.deepEqual(
        (JSON.parse(listed) as { artifactType: string }[]).map(({ artifactType }) => artifactType),
        [SBOM],
      );
      const got = await regctl("artifact", "get", "--subject", `${host}/regctl/with:1`, "--filter-artifact-type", SBOM);
      assert.equal(got, "an SBOM");
    });

    it("deletes a tag and leaves the other tags of that image", async () => {
      for (const tag of ["1", "2"]) await regctl("image", "copy", `${host}/hello:latest`, `${host}/regctl/tags:${tag}`);
      await regctl("tag", "delete", `${host}/regctl/tags:1`);
      assert.deepEqual(lines(await regctl("tag", "ls", `${host}/regctl/tags`)), ["2"]);
      assert.ok(lines(await regctl("repo", "ls", host)).includes("regctl/tags"));
    });

    it("puts a blob in chunks, gets and deletes it", async () => {
      await regctl("registry", "set", "--tls=disabled", "--blob-chunk=1000", "--blob-max=1000", host);
      const content = "0123456789".repeat(999);
      const file = join(folder, "blob");
      await writeFile(file, content);
      const shell = tool(findProgram("sh"), folder, "-c", 'exec "$0" blob put "$1" <"$2"');
      const put = (await shell(findProgram("regctl"), `${host}/regctl/blob`, file)).trim();
      assert.equal(put, sha256(content));
      const requests = await requestsTo("regctl/blob");
      assert.equal(requests.filter((request) => request === "PATCH 202").length, 10);
      assert.equal(await regctl("blob", "get", `${host}/regctl/blob`, put), content);
      await regctl("blob", "delete", `${host}/regctl/blob`, put);
      await assert.rejects(regctl("blob", "head", `${host}/regctl/blob`, put), /not found/);
    });
  });

  describeClient("helm", { programs: ["helm"] }, (cleanup) => {
    let helm: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      helm = tool(findProgram("helm"), folder);
    });

    it("pushes a chart, and pulls the same bytes by version and by digest", async () => {
      await helm("create", join(folder, "chart"));
      await helm("package", join(folder, "chart"), "--destination", folder);
      await helm("push", "--plain-http", join(folder, "chart-0.1.0.tgz"), `oci://${host}/charts`);
      const chart = await readFile(join(folder, "chart-0.1.0.tgz"));
      const pushed = await servedDigest(host, "charts/chart", "0.1.0");
      for (const which of [
        [`oci://${host}/charts/chart`, "--version=0.1.0"],
        [`oci://${host}/charts/chart@${pushed}`],
      ]) {
        const back = join(folder, `back ${which.length}`);
        await mkdir(back);
        await helm("pull", "--plain-http", "--destination", back, ...which);
        const [file] = (await filesByDigest(back)).keys();
        assert.equal(file, sha256(chart));
      }
      assert.match(await helm("show", "chart", "--plain-http", `oci://${host}/charts/chart`), /^version: 0\.1\.0$/m);
      assert.match(await helm("template", "--plain-http", `oci://${host}/charts/chart`), /^kind: Service$/m);
    });
  });

  describeClient("cosign", { programs: ["cosign", "crane", "oras", "regctl"] }, (cleanup) => {
    let cosign: Tool;
    let crane: Tool;
    let folder: string;

    before(async () => {
      folder = await makeScratch(cleanup);
      const env = tool(findProgram("env"), folder, "-C", folder, "COSIGN_PASSWORD=");
      cosign = (...args) => env(findProgram("cosign"), ...args);
      crane = tool(findProgram("crane"), folder);
      await cosign("generate-key-pair");
    });

    const sign = (image: string, ...options: string[]) =>
      cosign("sign", "--yes", "--key=cosign.key", ...OFFLINE, "--allow-http-registry", ...options, image);
    const verify = (image: string, ...options: string[]) =>
      cosign("verify", "--key=cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry", ...options, image);

    it("signs and verifies, and every client sees the signature as a referrer", async () => {
      await crane("copy", `${host}/hello:latest`, `${host}/cosign/image:1`);
      const image = `${host}/cosign/image@${digest}`;
      await assert.rejects(verify(image), /no signatures found/);
      await sign(image);
      assert.match(await verify(image), new RegExp(digest));
      assert.match(await verify(`${host}/cosign/image:1`), new RegExp(digest));
      assert.match(await cosign("tree", "--allow-http-registry", image), /artifacts via OCI referrer/);
      const oras = tool(findProgram("oras"), folder);
      assert.match(await oras("discover", ...PLAIN, image), BUNDLE);
      const regctl = tool(findProgram("regctl"), folder, "--host", `reg=${host},tls=disabled`);
      assert.match(await regctl("artifact", "list", image), BUNDLE);
      // No tag is made for it.
      assert.deepEqual(lines(await crane("ls", `${host}/cosign/image`)), ["1"]);
    });

    it("signs and verifies as its older versions do, with a tag that is named for the digest", async () => {
      await crane("copy", `${host}/hello:latest`, `${host}/cosign/tagged:1`);
      const image = `${host}/cosign/tagged@${digest}`;
      await sign(image, "--new-bundle-format=false");
      assert.match(await verify(image, "--new-bundle-format=false"), new RegExp(digest));
      const tag = (await cosign("triangulate", "--allow-http-registry", image)).trim();
      assert.equal(tag, `${host}/cosign/tagged:${digest.replace(":", "-")}.sig`);
      assert.match(await crane("manifest", tag), /"dev\.cosignproject\.cosign\/signature"/);
    });

    it("finds that another image is not signed", async () => {
      const other = `${host}/cosign/image:other`;
      await crane("mutate", `${host}/hello:latest`, "--label", "signed=no", "--tag", other);
      await assert.rejects(verify(other), /no signatures found/);
    });
  });

  /** Pushes an index of two platforms, of which one is the sample image, and returns its digest. */
  async function pushIndex(crane: Tool, repository: string): Promise<string> {
    const arm = `${host}/${repository}:arm64`;
    await crane("mutate", `${host}/hello:latest`, "--set-platform", "linux/arm64", "--tag", arm);
    const images = [`${host}/hello:latest`, arm].flatMap((image) => ["--manifest", image]);
    await crane("index", "append", "--docker-empty-base", ...images, "--tag", `${host}/${repository}:both`);
    return (await crane("digest", `${host}/${repository}:both`)).trim();
  }
});

/** It needs nobody but the registry and its key. */
const OFFLINE = ["--tlog-upload=false", "--use-signing-config=false"];
const BUNDLE = /application\/vnd\.dev\.sigstore\.bundle/;
const PLAIN = ["--plain-http"];
const FROM_TO_PLAIN = ["--from-plain-http", "--to-plain-http"];

/** The lines of a client's output, without the empty one at its end. */
function lines(output: string): string[] {
  return output.trim().split("\n");
}

function assertHasAll(files: Map<string, Buffer>, digests: string[]): void {
  assert.deepEqual(
    digests.filter((digest) => !files.has(digest)),
    [],
  );
}
