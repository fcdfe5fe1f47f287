import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isOnlyTag, nameOfFolder, nameOfPath, parseCarriedName } from "../registry/archive/names.ts";

const text = (name: { repository: string; tag?: string } | undefined): string | undefined =>
  name && (name.tag === undefined ? name.repository : `${name.repository}:${name.tag}`);

describe("the name of an archive", () => {
  const carried: Record<string, string | undefined> = {
    "docker.io/library/nginx:1.27": "library/nginx:1.27",
    "localhost:5000/team/app:1": "team/app:1",
    "localhost/demo/pod:1.0": "demo/pod:1.0",
    "registry.example/a/b/c:v1": "a/b/c:v1",
    "127.0.0.1:5000/ip:1": "ip:1",
    "demo/app:1.0": "demo/app:1.0",
    "demo/app": "demo/app:latest",
    "busybox:1": "busybox:1",
    "ok/good:UPPER_Tag.9": "ok/good:UPPER_Tag.9",
    "demo/app:i-was-a-digest": "demo/app",
    [`demo/app@sha256:${"a".repeat(64)}`]: "demo/app",
    "UPPER/Case:1": undefined,
    "a/../b:1": undefined,
    "../../x:1": undefined,
    "x:tag with space": undefined,
    "ok//double:1": undefined,
    "ok/:1": undefined,
    "/ok:1": undefined,
    "-bad:1": undefined,
    "é/uni:1": undefined,
    "ok/nul\0:1": undefined,
    "": undefined,
    ":": undefined,
    [`${"a".repeat(300)}:1`]: undefined,
    [`a:${"t".repeat(129)}`]: undefined,
  };
  for (const [given, expected] of Object.entries(carried)) {
    it(`that it carries: ${JSON.stringify(given.slice(0, 60))} is ${expected ?? "none"}`, () => {
      assert.equal(text(parseCarriedName(given)), expected);
    });
  }

  it("that is only a tag is told from a full one", () => {
    assert.ok(isOnlyTag("1.0"));
    assert.ok(isOnlyTag("sha256-4da07cbf0a59b018858e99c3f7c942bfbd10c5a486994673044dfe6070309f1e"));
    for (const full of ["app:1.0", "team/app", "docker.io/x"]) assert.ok(!isOnlyTag(full), full);
  });

  const paths: Record<string, string | undefined> = {
    "team/web/1.4.tar": "team/web:1.4",
    "team/web/v2.tar.gz": "team/web:v2",
    "team/web/latest.tgz": "team/web:latest",
    "team+web+1.4.tar": "team/web:1.4",
    "docker.io+team+web+1.4.tar": "team/web:1.4",
    "web_1.4.tar": "web:1.4",
    "team/web_v2.0-rc1.tar.zst": "team/web:v2.0-rc1",
    "web.tar": "web:latest",
    "team/web.tar": "team/web:latest",
    "my_app.tar": "my_app:latest",
    "Web.tar": "web:latest",
    web: "web:latest",
    "1.4.tar": "1.4:latest",
    "my app.tar": undefined,
    "_.tar": undefined,
  };
  for (const [path, expected] of Object.entries(paths)) {
    it(`that its path gives: ${path} is ${expected ?? "none"}`, () => {
      assert.equal(text(nameOfPath(path)), expected);
    });
  }

  it("that its folder gives is <repository>/<tag>/", () => {
    assert.equal(text(nameOfFolder(["a", "b", "1.0"])), "a/b:1.0");
    assert.equal(nameOfFolder(["A", "1.0"]), undefined);
    assert.equal(nameOfFolder(["a", "-"]), undefined);
  });
});
