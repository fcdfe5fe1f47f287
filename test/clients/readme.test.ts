import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { projectRoot } from "../support/root.ts";
import { copyCheckout } from "./checkout.ts";
import { writeHosts } from "./containerd.ts";
import { describeClient } from "./describeClient.ts";
import { assertFree } from "./ports.ts";
import { Reader } from "./reader.ts";
import { readPage } from "./readmePage.ts";
import { makeScratch } from "./scratch.ts";
import { servedDigest, sha256 } from "./server.ts";
import { terminal, terminalWithClients } from "./terminal.ts";

const GREETING = /ociregistry served this image/;
const DIGEST = "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065";
const ALL_PASSED = /^\W fail 0$/m;

const page = readPage();
const { version, scripts } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8")) as {
  version: string;
  scripts: Record<string, string>;
};
const packageFile = `ociregistry-${version}.tgz`;

const clients = ["crane", "docker", "dockerd", "podman", "runc", "skopeo", "containerd", "ctr"];
const needs = { programs: ["bash", "curl", "git", "npm", "tar", ...clients], containers: true };

describe("README.md", () => {
  it("has code in no language but the two that are tested", () => {
    assert.deepEqual(page.languages, ["sh", "toml"]);
  });

  it("names no script that package.json does not have", () => {
    assert.ok(page.scripts.length > 0);
    for (const script of page.scripts) assert.ok(scripts[script], `npm run ${script}`);
  });

  describeClient("followed in a fresh clone", needs, (cleanup) => {
    let folder: string;
    let reader: Reader;

    before(async () => {
      await assertFree(8080);
      folder = await makeScratch(cleanup);
      await copyCheckout(folder);
      reader = new Reader(folder, await terminalWithClients(cleanup));
    });

    /** For each command a test that runs it and looks at what a reader would notice. */
    const tests = new Map<string, (command: string) => Promise<void>>([
      ["npm start", startsServer],
      ["npm test", async (command) => assert.match(await reader.run(command), ALL_PASSED)],
      ["curl http://localhost:8080/v2/hello/tags/list", showsTags],
      ["curl http://localhost:8080/v2/hello/manifests/latest", showsManifest],
      ["crane pull localhost:8080/hello:latest hello.tar", pullsTo("hello.tar")],
      ["crane digest localhost:8080/hello:latest", showsDigest],
      ["docker run --rm localhost:8080/hello", async (command) => assert.match(await reader.run(command), GREETING)],
      ["podman pull --tls-verify=false localhost:8080/hello", pullsWithPodman],
      ["skopeo inspect --tls-verify=false docker://localhost:8080/hello", inspects],
      ["ctr images pull --plain-http localhost:8080/hello:latest", pullsWithContainerd("localhost:8080/hello:latest")],
      [`crane manifest localhost:8080/hello@${DIGEST}`, showsManifest],
      ["mkdir -p images/team/app/1.0", async (command) => void (await reader.run(command))],
      [
        "crane pull localhost:8080/hello:latest images/team/app/1.0/image.tar",
        pullsTo("images/team/app/1.0/image.tar"),
      ],
      ["crane digest localhost:8080/team/app:1.0", servesAddedImage],
      ["npm run --silent list", listsBoth],
      [
        "docker tag localhost:8080/hello localhost:8080/team/pushed:docker",
        async (command) => void (await reader.run(command)),
      ],
      ["docker push localhost:8080/team/pushed:docker", pushes("docker")],
      ["podman push --tls-verify=false localhost:8080/hello localhost:8080/team/pushed:podman", pushes("podman")],
      [
        "skopeo copy --src-tls-verify=false --dest-tls-verify=false docker://localhost:8080/hello:latest docker://localhost:8080/team/pushed:skopeo",
        pushes("skopeo"),
      ],
      ["crane copy localhost:8080/hello:latest localhost:8080/team/pushed:crane", pushes("crane")],
      ["crane delete localhost:8080/team/pushed:crane", deletes("crane")],
      [
        "node dist/program/main.js gc --dry-run",
        async (command) => assert.match(await reader.run(command), /^would collect: 0 blobs/),
      ],
      ["node dist/program/main.js --help", async (command) => assert.match(await reader.run(command), /^Usage:$/m)],
      ["node dist/program/main.js list images", listsBoth],
      [
        "node dist/program/main.js check images",
        async (command) => assert.match(await reader.run(command), /all is well/),
      ],
      ["npm install --global .", installsForAll],
      ["npm pack", async (command) => assert.equal((await reader.run(command)).trim().split("\n").at(-1), packageFile)],
      [`npm install --global ${packageFile}`, installsElsewhere],
    ]);

    // First, because the tests after it are made from the page, and none would miss a command.
    it("has the commands that are tested, and no others", () => {
      assert.deepEqual(page.commands, [...tests.keys()]);
    });

    for (const command of page.commands) {
      it(`$ ${command}`, async () => {
        const test = tests.get(command);
        assert.ok(test, "no test knows this command");
        await test(command);
      });
    }

    it("has the settings that make containerd pull the image of another registry from here", async () => {
      const [settings = "", ...others] = page.settings;
      assert.deepEqual(others, []);
      const hosts = await writeHosts(await makeScratch(cleanup), "registry.example", settings);
      const image = "registry.example/hello:latest";
      await pullsWithContainerd(image)(`ctr images pull --hosts-dir ${hosts} ${image}`);
    });

    async function startsServer(command: string): Promise<void> {
      const output = await reader.start(command, /http:\/\/localhost:8080\b.*\n/, cleanup);
      assert.match(output, /serves images at http:\/\/localhost:8080: 1 image /);
      assert.equal(await servedDigest("localhost:8080", "hello", "latest"), DIGEST);
    }

    async function showsTags(command: string): Promise<void> {
      assert.deepEqual(JSON.parse(await reader.run(command)), { name: "hello", tags: ["latest"] });
    }

    async function showsManifest(command: string): Promise<void> {
      assert.equal(sha256(await reader.run(command)), DIGEST);
    }

    async function showsDigest(command: string): Promise<void> {
      assert.equal((await reader.run(command)).trim(), DIGEST);
    }

    function pullsTo(file: string): (command: string) => Promise<void> {
      return async (command) => {
        await reader.run(command);
        assert.match(await reader.run(`tar -t -f ${file}`), /^manifest\.json$/m);
      };
    }

    async function pullsWithPodman(command: string): Promise<void> {
      const id = (await reader.run(command)).trim();
      assert.equal((await reader.run(`podman inspect --format={{.Digest}} ${id}`)).trim(), DIGEST);
    }

    async function inspects(command: string): Promise<void> {
      const about = JSON.parse(await reader.run(command)) as { Digest: string };
      assert.equal(about.Digest, DIGEST);
    }

    function pullsWithContainerd(image: string): (command: string) => Promise<void> {
      return async (command) => {
        await reader.run(command);
        assert.match(await reader.run(`ctr images list name==${image}`), new RegExp(` ${DIGEST} `));
      };
    }

    function pushes(tag: string): (command: string) => Promise<void> {
      return async (command) => {
        await reader.run(command);
        assert.match(await reader.run(`docker run --rm localhost:8080/team/pushed:${tag}`), GREETING);
      };
    }

    function deletes(tag: string): (command: string) => Promise<void> {
      return async (command) => {
        await reader.run(command);
        assert.ok(!(await reader.run("crane ls localhost:8080/team/pushed")).split("\n").includes(tag));
      };
    }

    /** It is promised within two seconds of the last byte; a reader would try again. */
    async function servesAddedImage(command: string): Promise<void> {
      const deadline = Date.now() + 5_000;
      const attempt = async (): Promise<string> => {
        try {
          return await reader.run(command);
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await delay(100);
          return attempt();
        }
      };
      assert.equal((await attempt()).trim(), DIGEST);
      assert.equal(await reader.run("crane ls localhost:8080/team/app"), "1.0\n");
      assert.match(await reader.run("docker run --rm localhost:8080/team/app:1.0"), GREETING);
      await reader.run(`crane validate --remote localhost:8080/team/app@${DIGEST}`);
    }

    async function listsBoth(command: string): Promise<void> {
      const rows = (await reader.run(command)).trim().split("\n");
      assert.deepEqual(
        rows
          .map((row) => row.split(/ +/))
          .filter((cells) => cells[0] !== "team/pushed")
          .map((cells) => [cells[0], cells[1], cells.at(-1)]),
        [
          ["REPOSITORY", "TAG", "DIGEST"],
          ["hello", "latest", DIGEST],
          ["team/app", "1.0", DIGEST],
        ],
      );
    }

    async function installsForAll(command: string): Promise<void> {
      await reader.run(command);
      assert.equal(await reader.run("ociregistry --version"), `${version}\n`);
    }

    async function installsElsewhere(command: string): Promise<void> {
      const elsewhere = await makeScratch(cleanup);
      await copyFile(join(folder, packageFile), join(elsewhere, packageFile));
      const other = new Reader(elsewhere, terminal(elsewhere));
      await other.run(command);
      assert.equal(await other.run("ociregistry --version"), `${version}\n`);
    }
  });
});
