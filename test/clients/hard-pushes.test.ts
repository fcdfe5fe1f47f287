import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "../support/command.ts";
import { describeClient } from "./describeClient.ts";
import { writeNoise } from "./noise.ts";
import { findProgram, type Tool, tool } from "./programs.ts";
import { bytesUnderWay, checkPushed, type PushServer, startPushServer, unfinishedFiles } from "./pushing.ts";
import { makeScratch } from "./scratch.ts";
import { sha256 } from "./server.ts";

const MIB = 1024 * 1024;
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const CONFIG = "application/vnd.oci.image.config.v1+json";

describeClient("a layer of 2 GiB", { programs: ["oras", "env", "bash", "sha256sum"] }, (cleanup) => {
  it("is pushed and pulled, and the server needs little memory for it", async () => {
    const folder = await makeScratch(cleanup);
    const server = await startPushServer(cleanup, join(folder, "data"));
    const oras = tool(findProgram("env"), folder, "-C", folder, findProgram("oras"));
    const digest = await writeNoise(join(folder, "layer"), 2048);
    await oras("push", "--plain-http", `${server.host}/large:1`, `layer:${LAYER}`);
    const fetch = 'set -o pipefail; "$0" blob fetch --plain-http --output - "$1" | sha256sum';
    const bash = tool(findProgram("bash"), folder, "-c", fetch, findProgram("oras"));
    assert.equal(`sha256:${(await bash(`${server.host}/large@${digest}`)).slice(0, 64)}`, digest);
    const peak = peakMemory(server.child);
    assert.ok(peak < 400 * MIB, `${peak} bytes at the most`);
    assert.deepEqual(unfinishedFiles(server.data), []);
  });
});

const interruptible = ["oras", "crane", "skopeo", "regctl"];

describeClient("a push that is interrupted", { programs: [...interruptible, "env"] }, (cleanup) => {
  const SIZE = 192;
  const INTERRUPTED_AT = 16 * MIB;
  let folder: string;
  let server: PushServer;

  before(async () => {
    folder = await makeScratch(cleanup);
    const digest = await writeNoise(join(folder, "layer"), SIZE);
    const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [digest] } };
    await writeFile(join(folder, "config"), JSON.stringify(config));
    const oras = tool(findProgram("env"), folder, "-C", folder, findProgram("oras"));
    await oras("push", "--oci-layout", "layout:1", "--config", `config:${CONFIG}`, `layer:${LAYER}`);
  });

  /** What each client is told to push the layout to a repository. */
  const commands: Record<string, (repository: string) => string[]> = {
    oras: (to) => ["copy", "--from-oci-layout", "--to-plain-http", `${folder}/layout:1`, `${server.host}/${to}:1`],
    crane: (to) => ["push", `${folder}/layout`, `${server.host}/${to}:1`],
    skopeo: (to) => [
      ...["--insecure-policy", "--tmpdir", folder, "copy", "--preserve-digests", "--dest-tls-verify=false"],
      ...[`oci:${folder}/layout:1`, `docker://${server.host}/${to}:1`],
    ],
    regctl: (to) => ["image", "copy", `ocidir://${folder}/layout:1`, `${server.host}/${to}:1`],
  };

  const start = (client: string, repository: string): ChildProcess =>
    spawn(findProgram(client), commands[client]?.(repository) ?? [], {
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder },
      stdio: "ignore",
    });

  /** Starts a push to a server that has nothing yet, and returns in the middle of it. */
  async function startAndWait(client: string, repository: string): Promise<ChildProcess> {
    server = await startPushServer(cleanup, join(folder, repository.replace("/", "-")));
    const regctl = tool(findProgram("regctl"), folder);
    await regctl("registry", "set", "--tls=disabled", `--blob-chunk=${4 * MIB}`, `--blob-max=${4 * MIB}`, server.host);
    const child = start(client, repository);
    while (bytesUnderWay(server.data) < INTERRUPTED_AT) {
      assert.equal(child.exitCode, null, "it was over before it could be interrupted");
      await delay(2);
    }
    return child;
  }

  async function restart(...args: string[]): Promise<void> {
    await kill(server.child);
    server = await startPushServer(cleanup, server.data, "--port", String(server.port), ...args);
  }

  /** Once the uploads are given up that nobody went on with. */
  async function assertNothingLeft(): Promise<void> {
    await restart("--upload-expiry", "1ms");
    await runCommand("gc", "--data", server.data);
    assert.deepEqual(unfinishedFiles(server.data), []);
    await checkPushed(server.data);
  }

  async function assertPulled(repository: string): Promise<void> {
    const crane = tool(findProgram("crane"), folder);
    const manifest = await crane("manifest", `${server.host}/${repository}:1`);
    const layout = JSON.parse(readFileSync(join(folder, "layout/index.json"), "utf8")) as {
      manifests: { digest: string }[];
    };
    assert.deepEqual(
      [sha256(manifest)],
      layout.manifests.map(({ digest }) => digest),
    );
    const { layers } = JSON.parse(manifest) as { layers: { digest: string }[] };
    const bash = tool(findProgram("bash"), folder, "-c", 'set -o pipefail; "$0" blob "$1" | sha256sum');
    for (const { digest } of layers) {
      const sum = await bash(findProgram("crane"), `${server.host}/${repository}@${digest}`);
      assert.equal(`sha256:${sum.slice(0, 64)}`, digest);
    }
  }

  for (const client of interruptible) {
    it(`by kill -9 of the server: ${client} pushes again, or goes on by itself`, async () => {
      const child = await startAndWait(client, `server/${client}`);
      const ended = child.exitCode ?? once(child, "exit");
      await restart();
      await ended;
      const again = start(client, `server/${client}`);
      assert.deepEqual(await once(again, "exit"), [0, null]);
      await assertPulled(`server/${client}`);
      await assertNothingLeft();
    });

    it(`by kill -9 of ${client}: it pushes again`, async () => {
      await kill(await startAndWait(client, `client/${client}`));
      const again = start(client, `client/${client}`);
      assert.deepEqual(await once(again, "exit"), [0, null]);
      await assertPulled(`client/${client}`);
      await assertNothingLeft();
    });
  }
});

describeClient("16 pushes at once of images that share layers", { programs: ["crane", "regctl"] }, (cleanup) => {
  it("leave 16 images that can be pulled, and nothing else", async () => {
    const folder = await makeScratch(cleanup);
    const server = await startPushServer(cleanup, join(folder, "data"));
    const crane = tool(findProgram("crane"), folder);
    const regctl = tool(findProgram("regctl"), folder);
    await regctl("registry", "set", "--tls=disabled", server.host);
    const images = await writeImages(folder, crane, 16);
    const push = (file: string, index: number): Promise<string> => {
      // Half of them share a repository, too.
      const image = `${server.host}/${index < 8 ? "shared" : `own/${index}`}:${index}`;
      const pushing = index % 2 === 0 ? crane("push", file, image) : regctl("image", "import", image, file);
      return pushing.then(() => image);
    };
    const pushed = await Promise.all(images.map(push));
    for (const image of pushed) await crane("validate", "--remote", image);
    assert.deepEqual(unfinishedFiles(server.data), []);
    await checkPushed(server.data);
  });
});

/** Images of four layers that all of them have, and one of their own. */
async function writeImages(folder: string, crane: Tool, count: number): Promise<string[]> {
  const layers: string[] = [];
  for (const seed of [...Array(4 + count).keys()]) {
    const name = `noise-${seed}`;
    await writeNoise(join(folder, name), 2, seed);
    await tool(findProgram("tar"), folder)("-cf", join(folder, `${name}.tar`), "-C", folder, name);
    layers.push(join(folder, `${name}.tar`));
  }
  const files: string[] = [];
  for (const [index, own] of layers.slice(4).entries()) {
    const file = join(folder, `image-${index}.tar`);
    const each = [...layers.slice(0, 4), own].flatMap((layer) => ["--new_layer", layer]);
    await crane("append", ...each, "--new_tag", `image:${index}`, "--output", file);
    files.push(file);
  }
  return files;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** The most memory that a process has had, in bytes; 0 where the system does not say. */
function peakMemory({ pid }: ChildProcess): number {
  if (process.platform !== "linux") return 0;
  const [, kibibytes = ""] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}
