import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { digestOf, parseTag } from "../registry/reference.ts";
import { readFolder, sizeOf } from "../registry/store/catalogue.ts";
import { temporaryFolder } from "./support/images.ts";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

/** An OCI layout at `<root>/app/1.0/`, built blob by blob. */
function layout(context: TestContext) {
  const root = temporaryFolder(context);
  const folder = join(root, "app/1.0");
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const add = (content: unknown, mediaType: string) => {
    const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
    const digest = digestOf(bytes);
    writeFileSync(join(folder, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const finish = (...manifests: unknown[]) => {
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    return readFolder(root);
  };
  /** The same as a tar, which is called what it says itself. */
  const finishAsTar = (...manifests: unknown[]) => {
    finish(...manifests);
    execFileSync("tar", ["-cf", join(root, "packed.tar"), "-C", folder, "."]);
    rmSync(join(root, "app"), { recursive: true });
    return readFolder(root);
  };
  return { add, finish, finishAsTar };
}

const image = (config: unknown, layers: unknown[], mediaType = IMAGE) => ({
  schemaVersion: 2,
  mediaType,
  config,
  layers,
});

describe("an OCI layout", () => {
  it("may nest one image in indexes many times over, and is measured in no time", (context) => {
    const { add, finish } = layout(context);
    const config = add("{}", "application/vnd.oci.image.config.v1+json");
    let top = add(image(config, []), IMAGE);
    for (let depth = 0; depth < 7; depth++) {
      top = add({ schemaVersion: 2, mediaType: INDEX, manifests: Array(60).fill(top) }, INDEX);
    }
    const tagged = finish(top).repositories.get("app")?.tags.get(parseTag("1.0"));
    assert.ok(tagged);
    assert.equal(sizeOf(tagged), 2);
  });

  it("with a digest that cannot be checked here is refused", (context) => {
    const { add, finish } = layout(context);
    const config = add("{}", "application/vnd.oci.image.config.v1+json");
    const odd = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: "blake3:abc", size: 1 };
    assert.match(finish(add(image(config, [odd]), IMAGE)).skipped[0]?.reason ?? "", /blake3:abc/);
  });

  it("with a media type that is no header is refused", (context) => {
    const { add, finish } = layout(context);
    const config = add("{}", "application/vnd.oci.image.config.v1+json");
    const { skipped } = finish(add(image(config, [], "a\r\nb"), IMAGE));
    assert.match(skipped[0]?.reason ?? "", /no legal media type/);
  });

  const BASE_NAME = "org.opencontainers.image.base.name";
  const REF_NAME = "org.opencontainers.image.ref.name";
  const named: Record<string, { annotations: Record<string, string>[]; served: string[] }> = {
    "as Zarf names its seed images": {
      annotations: [{ [BASE_NAME]: "library/registry:2.8.3" }, { [BASE_NAME]: "ghcr.io/team/agent:v0.38.2" }],
      served: ["library/registry:2.8.3", "team/agent:v0.38.2"],
    },
    "by its own name and not by that of its base": {
      annotations: [{ [BASE_NAME]: "docker.io/library/alpine:3", [REF_NAME]: "team/app:1" }],
      served: ["team/app:1"],
    },
    "by its path when the name of its base is empty, as podman leaves it": {
      annotations: [{ [BASE_NAME]: "" }],
      served: ["packed:latest"],
    },
  };
  for (const [title, { annotations, served }] of Object.entries(named)) {
    it(`in a tar is called ${title}`, (context) => {
      const { add, finishAsTar } = layout(context);
      const tops = annotations.map((each, index) => {
        const config = add({ index }, "application/vnd.oci.image.config.v1+json");
        return { ...add(image(config, []), IMAGE), annotations: each };
      });
      const { repositories, skipped } = finishAsTar(...tops);
      const names = [...repositories.values()].flatMap(({ name, tags }) =>
        [...tags.keys()].map((tag) => `${name}:${tag}`),
      );
      assert.deepEqual(names.sort(), served);
      assert.deepEqual(skipped, []);
    });
  }
});
