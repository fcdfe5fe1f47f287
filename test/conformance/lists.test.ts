import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../registry/reference.ts";
import { ask } from "../support/server.ts";
import { type Client, digestsIn, EMPTY, nextOf, referrerOf } from "./client.ts";
import { serve } from "./served.ts";

/** Follows the links of a list, and does something between its pages. */
async function walk(
  client: Client,
  start: string,
  entriesIn: (body: string) => string[],
  between: (entries: string[]) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const found: string[] = [];
  for (let next: string | undefined = start; next; ) {
    const answer = await client.expect("GET", next, { status: 200 });
    const entries = entriesIn(answer.body.toString());
    assert.ok(entries.length > 0 || found.length === 0, "no link leads to an empty page");
    found.push(...entries);
    await between(entries);
    next = nextOf(answer);
  }
  return found;
}

const tagsIn = (body: string): string[] => JSON.parse(body).tags;
const namesIn = (body: string): string[] => JSON.parse(body).repositories;
const manifestsIn = (body: string): string[] =>
  JSON.parse(body).manifests.map(({ digest }: { digest: string }) => digest);

describe("lists in pages", () => {
  const served = serve();

  it("go on while tags are deleted and added", async () => {
    const client = served.client("lists/tags");
    const image = await client.pushImage("a");
    for (const tag of ["b", "c", "d", "e", "f"]) await client.pushManifest(image, tag);
    const found = await walk(client, "tags/list?n=2", tagsIn, async (tags) => {
      for (const tag of tags) await client.expect("DELETE", `manifests/${tag}`, { status: 202 });
      if (tags.includes("b")) await client.pushManifest(image, "a0");
    });
    assert.deepEqual(found, ["a", "b", "c", "d", "e", "f"]);
  });

  it("give every repository once, in byte order, with slashes escaped in the link", async () => {
    const names = ["c/b", "c", "c-d", "c/a/b", "c.d", "c0"];
    for (const name of names) await served.client(name).pushImage("1");
    const all = await walk(served.client(""), "/v2/_catalog?n=1", namesIn);
    assert.deepEqual(
      all.filter((name) => names.includes(name)),
      [...names].sort(),
    );
    assert.deepEqual(all, [...new Set(all)].sort());
    const page = await served.client("").send("GET", "/v2/_catalog?n=1&last=c%2Fa");
    assert.deepEqual(namesIn(page.body.toString()), ["c/a/b"]);
    assert.equal(page.headers["link"], '</v2/_catalog?n=1&last=c%2Fa%2Fb>; rel="next"');
  });

  it("do not list a repository of which nothing is left", async () => {
    const client = served.client("lists/empty");
    const { digest, config, layer } = await client.pushImage("1");
    for (const path of [`manifests/${digest}`, `blobs/${digestOf(config)}`, `blobs/${digestOf(layer)}`]) {
      await client.expect("DELETE", path, { status: 202 });
    }
    const names = await walk(client, "/v2/_catalog", namesIn);
    assert.equal(names.includes("lists/empty"), false);
    await client.expect("GET", "tags/list", { status: 404, code: "NAME_UNKNOWN" });
  });

  it("give every referrer once, with the filter kept, while some are deleted", async () => {
    const client = served.client("lists/referrers");
    await client.pushBlob(EMPTY);
    const image = await client.pushImage("1");
    const artifactType = "application/vnd.example.a+json";
    const wanted = [0, 1, 2, 3, 4].map((n) => referrerOf(image, { artifactType, annotations: { n: `${n}` } }));
    const others = [5, 6].map((n) => referrerOf(image, { artifactType: "text/plain", annotations: { n: `${n}` } }));
    for (const referrer of [...wanted, ...others]) await client.pushManifest(referrer);
    const start = `referrers/${image.digest}?artifactType=${encodeURIComponent(artifactType)}&n=2`;
    const first = await client.send("GET", start);
    assert.equal(digestsIn(first).length, 2);
    assert.equal(
      first.headers["link"],
      `</v2/${client.name}/referrers/${image.digest}?n=2&last=${encodeURIComponent(digestsIn(first)[1] ?? "")}` +
        `&artifactType=${encodeURIComponent(artifactType)}>; rel="next"`,
    );
    const found = await walk(client, start, manifestsIn, async (digests) => {
      for (const digest of digests) await client.expect("DELETE", `manifests/${digest}`, { status: 202 });
    });
    assert.deepEqual(found, wanted.map(({ digest }) => digest).sort());
    assert.equal(digestsIn(await client.send("GET", `referrers/${image.digest}`)).length, 2);
  });
});

describe("names", () => {
  const served = serve();

  for (const name of [
    "blobs/uploads",
    "a/manifests/b",
    "tags/list",
    "manifests",
    "referrers/x",
    "a/blobs",
    "blobs/sha256",
    "constructor",
    "con",
    "n".repeat(255),
    Array(128).fill("n").join("/"),
  ]) {
    it(`that look odd hold images like others: ${name.slice(0, 40)}`, async () => {
      const client = served.client(name);
      const { bytes, layer } = await client.pushImage("1");
      await client.expect("GET", "manifests/1", { status: 200, body: bytes });
      await client.expect("GET", `blobs/${digestOf(layer)}`, { status: 200, body: layer });
      await client.expect("GET", "tags/list", { status: 200, body: JSON.stringify({ name, tags: ["1"] }) });
      await client.expect("HEAD", `/v2/${encodeURIComponent(name)}/manifests/1`, { status: 200 });
    });
  }

  it("with and without library/ are one repository", async () => {
    const { bytes } = await served.client("library/app").pushImage("1");
    await served.client("app").expect("GET", "manifests/1", { status: 200, body: bytes });
    await served.client("app").expect("GET", "/v2/library/app/manifests/1", { status: 200, body: bytes });
  });
});

describe("whatever is asked", () => {
  const served = serve();
  const odd = fc.oneof(
    fc.constantFrom(
      "",
      "0",
      "-1",
      "n",
      "%00",
      "%ff",
      "%",
      "..",
      "%2e%2e%2f",
      "sha256:",
      "sha256:x",
      "latest",
      "+",
      "_",
    ),
    fc.string({ maxLength: 20 }).map(encodeURIComponent),
    fc.constantFrom("a", "A", "library/a", "_catalog", "uploads", "list").map((text) => text.repeat(3)),
  );
  const path = fc.oneof(
    odd.map((name) => `/v2/${name}/tags/list`),
    fc.tuple(odd, odd).map(([n, last]) => `/v2/fuzz/tags/list?n=${n}&last=${last}`),
    fc.tuple(odd, odd).map(([n, last]) => `/v2/_catalog?n=${n}&last=${last}`),
    odd.map((reference) => `/v2/fuzz/manifests/${reference}`),
    odd.map((digest) => `/v2/fuzz/blobs/${digest}`),
    fc
      .tuple(odd, odd, odd)
      .map(([digest, type, last]) => `/v2/fuzz/referrers/${digest}?artifactType=${type}&last=${last}`),
    fc.tuple(odd, odd).map(([mount, from]) => `/v2/fuzz/blobs/uploads/?mount=${mount}&from=${from}`),
    fc.tuple(odd, odd).map(([id, digest]) => `/v2/fuzz/blobs/uploads/${id}?digest=${digest}`),
    odd.map((any) => `/v2/${any}`),
  );
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE");
  const headers = fc.record(
    {
      Range: odd.map((text) => `bytes=${text}`),
      "Content-Range": odd,
      "Content-Type": odd,
      "If-None-Match": odd,
      Accept: odd,
    },
    { requiredKeys: [] },
  );

  it("is answered, never with a fault of the server, and refused in JSON", async () => {
    const content = await served.client("fuzz").pushImage("1");
    const body = fc.constantFrom("", "{}", "null", "[", content.bytes.toString());
    await fc.assert(
      fc.asyncProperty(method, path, headers, body, async (...[verb, url, sent, bytes]) => {
        const isRead = verb === "GET" || verb === "HEAD";
        const answer = await ask(served.origin(), verb, url, { headers: sent, ...(isRead ? {} : { body: bytes }) });
        assert.ok(answer.status < 500, `${answer.status}`);
        if (answer.status < 400 || verb === "HEAD") return;
        assert.equal(answer.headers["content-type"], "application/json");
        assert.match(JSON.parse(answer.body.toString()).errors[0].code, /^[A-Z_]+$/);
      }),
      { numRuns: 1000, seed: 20261121 },
    );
  });
});
