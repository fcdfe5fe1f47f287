import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { answerRequests, requestCollection } from "../cmd/gc-requests.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
import { runCommand } from "./support/command.ts";
import { pushBlob, temporaryFolder } from "./support/images.ts";
import { serveData } from "./support/serve-data.ts";
import { until } from "./support/until.ts";

const nothing = { unlinked: 0, trashed: 0, bytes: 0, removed: 0, expired: 0, problems: [] };

/** What who answers complains of first. */
function complaintOf(context: TestContext, data: string, act: () => void = () => {}): Promise<unknown> {
  return new Promise((resolve) => {
    const answering = answerRequests(data, async () => nothing, resolve);
    // Who answers does not keep a process alive.
    const alive = setInterval(() => {}, 1000);
    context.after(() => {
      clearInterval(alive);
      answering.close();
    });
    act();
  });
}

describe("answering ociregistry gc", () => {
  it("ends with a complaint when its folder goes away", async (context) => {
    const data = temporaryFolder(context);
    const error = await complaintOf(context, data, () => rmSync(join(data, "requests"), { recursive: true }));
    assert.match(String(error), /ENOENT/);
  });

  it("is not begun, with a complaint, when something else has the name of its folder", async (context) => {
    const data = temporaryFolder(context);
    writeFileSync(join(data, "requests"), "");
    assert.match(String(await complaintOf(context, data)), /EEXIST|ENOTDIR/);
  });

  it("is not what a server lives by", async (context) => {
    const { child, registry, data } = await serveData(context, []);
    assert.ok(child.stderr);
    const digest = await pushBlob(registry, "app", Buffer.from("a blob"));
    assert.equal(existsSync(join(data, "requests")), true);
    const complaint = once(child.stderr, "data");
    rmSync(join(data, "requests"), { recursive: true });
    assert.match(String(await complaint), /^ociregistry: ociregistry gc cannot reach this server .*ENOENT.*\n$/);
    await registry.statBlob("app", digest);
  });
});

/** A data folder that somebody has. */
async function heldFolder(context: TestContext) {
  const data = join(temporaryFolder(context), "data");
  const store = await openDataStore(data);
  context.after(store.close);
  await pushBlob(store.registry, "app", Buffer.from("a blob"));
  return { data, store };
}

describe("ociregistry gc that asks", () => {
  it("gives up when who took the request ends, and leaves nothing behind", async (context) => {
    const { data, store } = await heldFolder(context);
    const answering = answerRequests(
      data,
      async () => {
        await store.close();
        return new Promise(() => {});
      },
      () => {},
    );
    context.after(() => answering.close());
    await assert.rejects(requestCollection(data, { grace: 0 }), /ended before it had collected; try again/);
    assert.deepEqual(readdirSync(join(data, "requests")), []);
  });

  it("touches nothing but its request, also where only its heartbeat tells that the server is there", async (context) => {
    const data = temporaryFolder(context);
    writeFileSync(join(data, "lock"), JSON.stringify({ id: "someone", pid: 1, started: "1", realm: "elsewhere" }));
    const touched: (string | null)[] = [];
    const watcher = watch(data, (_, name) => touched.push(name));
    const answering = answerRequests(
      data,
      async () => nothing,
      (error) => assert.fail(String(error)),
    );
    context.after(() => {
      watcher.close();
      answering.close();
    });
    assert.deepEqual(await requestCollection(data, { grace: 0 }), nothing);
    writeFileSync(join(data, "end"), "");
    await until(() => touched.includes("end"), "all that was touched has been told");
    assert.deepEqual([...new Set(touched)], ["requests", "end"]);
  });

  it("leaves no folder where nobody answers", async (context) => {
    const { data, store } = await heldFolder(context);
    const found = readdirSync(data);
    await store.close();
    await assert.rejects(requestCollection(data, { grace: 0 }), /try again/);
    assert.deepEqual(
      readdirSync(data),
      found.filter((name) => name !== "lock"),
    );
  });

  it("asks nobody for a folder that is no data folder", async (context) => {
    const folder = temporaryFolder(context);
    writeFileSync(join(folder, "photo.jpg"), "");
    const { code, err } = await runCommand("gc", "--data", folder);
    assert.deepEqual([code, err.includes("holds something else")], [2, true]);
    assert.deepEqual(readdirSync(folder), ["photo.jpg"]);
  });
});
