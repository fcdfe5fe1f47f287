import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { nameOfPath } from "../registry/archive/names.ts";
import { digestOf, parseDigest } from "../registry/reference.ts";
import { type Catalogue, platformsOf } from "../registry/store/catalogue.ts";
import { type Fixture, forgetFixture, OWN, openUnpacking, placeFixture } from "./support/fixtures.ts";
import { temporaryFolder, testImage, writeExport } from "./support/images.ts";
import { readTable } from "./support/tables.ts";

/** An archive that a reader of the manual has, and the digests that its images had in their registry. */
interface Case {
  readonly title: string;
  /** Puts it into the folder as the manual says. */
  readonly put: (root: string) => void;
  readonly digests: readonly string[];
}

const fixtureOf = (id: string): Fixture => {
  const fixture = OWN.fixtures.find((each) => each.id === id);
  if (!fixture) throw new Error(`there is no fixture ${id}`);
  return fixture;
};

type Choice = (original: Fixture["originals"][number]) => boolean;
const isKept: Choice = ({ bytesInside, rebuildable }) => Boolean(bytesInside || rebuildable);
const isLost: Choice = (original) => !isKept(original);

/** Archives made by real tools, with all the digests that were reported for them, or those that are chosen. */
const made = (ids: string, isChosen: Choice = () => true): Case[] =>
  ids.split(" ").map((id) => {
    const fixture = fixtureOf(id);
    const digests = fixture.originals.filter(isChosen).map(({ digest }) => digest);
    return { title: id, put: (root) => placeFixture(OWN, fixture, root), digests };
  });

/** A folder that `get` of a registry-image resource has left. */
function resource(title: string, digest: string, fill: (folder: string) => void): Case {
  const put = (root: string): void => {
    const folder = join(root, "resource");
    mkdirSync(folder);
    for (const [name, text] of Object.entries({ repository: "team/web", tag: "2.1", digest })) {
      writeFileSync(join(folder, name), text);
    }
    fill(folder);
  };
  return { title, put, digests: [digest] };
}

const pathOf = (id: string): string => join(OWN.folder, fixtureOf(id).path);
const [PUSHED = ""] = fixtureOf("crane-docker-pushed").originals.map(({ digest }) => digest);
/** The first is the index. */
const [INDEX = ""] = fixtureOf("crane-oci-index").originals.map(({ digest }) => digest);

const concourseTar = resource("image.tar", PUSHED, (folder) =>
  cpSync(pathOf("crane-docker-pushed"), join(folder, "image.tar")),
);
const concourseLayout = resource("oci", INDEX, (folder) => {
  cpSync(pathOf("crane-oci-index"), join(folder, "oci"), { recursive: true });
  cpSync(join(folder, "oci/blobs", INDEX.replace(":", "/")), join(folder, "oci/index.json"));
});
// Any tar is a rootfs.
const concourseRootfs = ["rootfs.tgz", "rootfs.tar"].map((name) =>
  resource(name, PUSHED, (folder) => {
    const id = name.endsWith("gz") ? "outer-crane-docker-pushed-tar.gz" : "crane-docker-pushed";
    cpSync(pathOf(id), join(folder, name));
    writeFileSync(join(folder, "metadata.json"), '{"env":["PATH=/bin"],"user":"root"}');
  }),
);

async function open(context: TestContext, put: (root: string) => void): Promise<Catalogue> {
  const root = temporaryFolder(context);
  context.after(() => forgetFixture(root));
  put(root);
  return (await openUnpacking(root)).current;
}

async function isThere({ repositories }: Catalogue, digest: string): Promise<boolean> {
  for (const { findManifest } of repositories.values()) {
    const found = await findManifest(parseDigest(digest));
    if (found) {
      assert.equal(digestOf(found.bytes), digest);
      return true;
    }
  }
  return false;
}

/** What a cell about the digest says. */
function saysWorks(cell: string): boolean {
  assert.match(cell, /^(works|as above|lost)/);
  return !cell.startsWith("lost");
}

describe("docs/archives.md says which digest can be had", () => {
  const CRANE = "`crane pull`, a tar or that tar unpacked";
  const SAVED_OCI = "OCI archive or layout of podman, skopeo or buildah";
  const SKOPEO_ALL = "OCI archive or layout of skopeo 1.9, `--all`";
  const tests: [archive: string, image: string, cases: Case[]][] = [
    [CRANE, "pushed or built by docker (graphdriver store)", made("crane-docker-pushed crane-docker-pushed-unpacked")],
    [CRANE, "pushed by `ctr`, or by docker with the containerd store after `docker load`", made("crane-containerd")],
    [CRANE, "built by BuildKit or buildx, without attestations", made("crane-buildx-noprov")],
    [
      CRANE,
      "pushed by podman, buildah or skopeo in docker's format, or by kaniko",
      made("crane-podman-docker-format crane-kaniko"),
    ],
    [CRANE, "pushed by podman or skopeo in OCI's format, also with zstd", made("crane-skopeo-oci crane-zstd")],
    [CRANE, "made by crane", made("crane-crane-made-oci")],
    [CRANE, "built `FROM scratch` by podman 5 or buildah 1.39", made("crane-podman5-built")],
    [CRANE, "pushed by umoci", made("crane-umoci")],
    [CRANE, "with layers that skopeo decompressed", made("crane-plain-layers")],
    [CRANE, "with foreign layers (Windows)", made("crane-windows-foreign")],
    [CRANE, "one platform of an index: the digest of that platform", made("crane-index-default", isKept)],
    [CRANE, "one platform of an index: the digest of the index", made("crane-index-default", isLost)],
    [CRANE, "with annotations (podman 4, ko, `crane mutate -a`)", made("crane-podman-built crane-crane-annotated")],
    [CRANE, "with annotations on its layers (eStargz)", made("crane-buildkit-estargz")],
    ["`crane pull --format=oci`", "any, also an index", made("crane-oci-index")],
    ["`crane pull --format=legacy`", "any", made("crane-legacy")],
    ["`docker save`, engine with the containerd store", "any, also an index", made("docker26-containerd-attestation")],
    ["`docker save`, engine with a graphdriver store", "any", made("docker20-several-images docker26-one")],
    [
      "docker-archive of podman, skopeo or buildah",
      "any",
      made("podman-docker-archive skopeo-docker-archive-additional-tags buildah-docker-archive"),
    ],
    ["`podman save --format docker-dir`", "in OCI's format", made("podman-docker-dir")],
    [
      SAVED_OCI,
      "in OCI's format",
      made("podman-oci-archive podman-oci-dir buildah-oci-archive skopeo5-oci-several-tags"),
    ],
    [SAVED_OCI, "in docker's format", made("skopeo-oci-archive")],
    [SKOPEO_ALL, "an index: its own digest", made("skopeo-oci-archive-all", isLost)],
    [SKOPEO_ALL, "an index: the digests of its images", made("skopeo-oci-archive-all", isKept)],
    ["`skopeo copy` to `dir:`", "any, also an index with `--all`", made("skopeo-dir-all")],
    ["`ctr images export`", "any, also an index", made("ctr-all-platforms ctr-skip-manifest-json")],
    [
      "`buildx` or `buildctl` with `type=oci` or `type=docker`",
      "the one that was built",
      made("buildkit-oci-two-names"),
    ],
    [
      "layouts and exports of oras, regctl and umoci",
      "any, also artifacts and referrers",
      made("oras-referrers-tar oras-no-tag regctl-ocidir regctl-export-named umoci-layout"),
    ],
    [
      "one of these, compressed with gzip or zstd as a whole",
      "as without the compression",
      made("outer-crane-docker-pushed-tar.gz outer-crane-docker-pushed-tar.zst"),
    ],
    ["Concourse, `format: oci`", "as in a tar of `crane pull`", [concourseTar]],
    ["Concourse, `format: oci-layout`", "any, also an index", [concourseLayout]],
    ["Concourse, `rootfs.tgz` or `rootfs.tar`", "any", concourseRootfs],
  ];
  const rows = readTable("docs/archives.md", "the archive");

  it("in rows that are all tested", () => {
    assert.deepEqual(
      rows.map(([archive, image]) => [archive, image]),
      tests.map(([archive, image]) => [archive, image]),
    );
  });

  for (const [index, [archive, image, cases]] of tests.entries()) {
    const cell = rows[index]?.[2] ?? "";
    for (const { title, put, digests } of cases) {
      it(`${archive}, ${image}: ${cell} (${title})`, async (context) => {
        const catalogue = await open(context, put);
        assert.ok(digests.length > 0 && catalogue.names.length > 0);
        for (const digest of digests) assert.equal(await isThere(catalogue, digest), saysWorks(cell), digest);
      });
    }
  }
});

describe("docs/archives.md says what a path means", () => {
  for (const [path = "", name = ""] of readTable("docs/archives.md", "path")) {
    it(`${path} is ${name}`, () => {
      const found = nameOfPath(path.replaceAll("`", ""));
      assert.equal(found ? `\`${found.repository}:${found.tag}\`` : "none", name);
    });
  }
});

describe("README.md says what to do with", () => {
  const APP = testImage("team/app", "1.0", ["app"]);

  /** Serves each archive under a tag, and its digest as the row says. */
  const serves =
    (cases: Case[]) =>
    async (context: TestContext, [, , cell = ""]: readonly string[]): Promise<void> => {
      for (const { title, put, digests } of cases) {
        const catalogue = await open(context, put);
        assert.deepEqual(catalogue.skipped, [], title);
        assert.ok(
          [...catalogue.repositories.values()].some(({ tags }) => tags.size > 0),
          title,
        );
        for (const digest of digests)
          assert.equal(await isThere(catalogue, digest), saysWorks(cell), `${title}: ${digest}`);
      }
    };

  const combines = async (context: TestContext): Promise<void> => {
    const { repositories } = await open(context, (root) => {
      writeExport(root, APP, join(root, "team/app/1.0/linux-amd64"));
      cpSync(pathOf("crane-docker-pushed"), join(root, "team/app/1.0/linux-arm64.tar"));
    });
    const [tagged] = repositories.get("team/app")?.tags.values() ?? [];
    assert.ok(tagged);
    assert.deepEqual(platformsOf(tagged), ["linux/amd64", "linux/arm64"]);
  };

  const refuses = async (context: TestContext): Promise<void> => {
    const files = { "a.tar.xz": "\xfd7zXZ\0", "b.tar.bz2": "BZh91AY", "c.zip": "PK\x03\x04" };
    const { skipped, names } = await open(context, (root) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text, "latin1");
      placeFixture(OWN, fixtureOf("odd-sparse-gnu.tar"), root);
    });
    assert.deepEqual(names, []);
    assert.equal(skipped.length, Object.keys(files).length + 1);
    for (const { reason } of skipped) assert.match(reason, /unpack it|pack it again/);
  };

  const tests: Record<string, (context: TestContext, row: readonly string[]) => Promise<void>> = {
    "a tar of `crane pull`, of one or several images": serves(made("crane-docker-pushed crane-multi-image")),
    "that tar unpacked": serves(made("crane-docker-pushed-unpacked")),
    "`crane pull --format=oci`": serves(made("crane-oci-index")),
    "`docker save`, engine with the containerd store": serves(made("docker26-containerd-attestation")),
    "`docker save` of other engines, `crane pull --format=legacy`": serves(
      made("docker20-several-images docker26-one crane-legacy"),
    ),
    "`podman save`, `skopeo copy` to `docker-archive:`": serves(
      made("podman-docker-archive skopeo-docker-archive-additional-tags"),
    ),
    "`podman save --format oci-archive`, `skopeo copy` to `oci-archive:`": serves([
      ...made("podman-oci-archive"),
      ...made("skopeo-oci-archive-all", isKept),
    ]),
    "`skopeo copy` to `oci:` or `dir:`, `podman save --format oci-dir`": serves(
      made("skopeo5-oci-several-tags skopeo-dir-all podman-oci-dir"),
    ),
    "`ctr images export`, `buildx --output type=oci` or `type=docker`": serves(
      made("ctr-all-platforms ctr-skip-manifest-json buildkit-oci-two-names buildx-oci buildx-docker"),
    ),
    "layouts of `oras`, `regctl`, `umoci`, with artifacts and referrers": serves(
      made("oras-referrers-tar regctl-ocidir regctl-export-named umoci-layout"),
    ),
    "one of these, compressed with gzip or zstd as a whole": serves(
      made("outer-crane-docker-pushed-tar.gz outer-crane-docker-pushed-tar.zst"),
    ),
    "what Concourse got with `format: oci` or `oci-layout`": serves([concourseTar, concourseLayout]),
    "`rootfs.tgz` of Concourse, with its `metadata.json`": serves(concourseRootfs),
    "the same image for several platforms, an archive each": combines,
    "a tar compressed with xz or bzip2, a zip, a tar with sparse members": refuses,
  };
  const rows = readTable("README.md", "you have");

  it("each archive in a row that is tested", () => {
    assert.deepEqual(
      rows.map(([archive]) => archive),
      Object.keys(tests),
    );
  });

  for (const row of rows) {
    const [archive = "", what = ""] = row;
    it(`${archive}: ${what}`, async (context) => {
      const test = tests[archive];
      assert.ok(test, "no test knows this row");
      await test(context, row);
    });
  }
});
