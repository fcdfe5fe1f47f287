import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  canonicalManifest,
  type ImageParts,
  type LayerPart,
  possibleManifests,
} from "../registry/archive/serialisations.ts";
import { digestOf, parseDigest } from "../registry/reference.ts";

const part = (hex: string, size: number) => ({ digest: parseDigest(`sha256:${hex}`), size });
const gzip = (hex: string, size: number): LayerPart => ({ ...part(hex, size), compression: "gzip" });

/** An image whose export is known, and the digests that registries and clients reported for it. */
interface Golden {
  readonly parts: ImageParts;
  readonly digests: Readonly<Record<string, string>>;
}

const SMALLGO: Golden = {
  parts: {
    config: part("c07281f652bace2b746f8241a5013b6034d32d6b001967295c7e99b31a49b01e", 1020),
    layers: [
      gzip("e9a5742d071431258605f03e2eee366586042dcf71cf59a5a88d07e07b49a2cd", 1_076_173),
      gzip("a28711b5343eec30b7799fc0482b85560aa02717445bf415c081bef15323e6b6", 100),
      gzip("033967b6126e74d6e31fc90c016476c328b4eea755b4b6750a2d758df0070aed", 103),
    ],
  },
  digests: {
    "docker push": "532e9bccbe948659fb417f0e9403ac63d8581f9e3b7414ed460ec83154b77f9b",
    "ctr image import": "c79ddd7f1e6ebba54b0eeb294b7a09081857e09350eb5d4022cbdb2738fe2629",
  },
};

const GOLDEN: Record<string, Golden> = {
  "appzygy/smallgo:v1.0.0": SMALLGO,
  "registry:2.8.1": {
    parts: {
      config: part("02bcf88391173d5ffd5cc5542c0d3335124607bfe16f11d07bbbfcafd2348059", 4139),
      layers: [
        gzip("9b18e9b68314027565b90ff6189d65942c0f7986da80df008b8431276885218e", 2_707_663),
        gzip("d32db5db73116c723916b5df8f4ecc82d84f63f631c631d3fb81997d2fac11e9", 284_532),
        gzip("cb556f39845e9506e3500b5bb5e74c696935b5b3d729bb5c7121ba9a420ded8c", 5_544_450),
        gzip("03bbf04a79081d9f1f6cca63e9480201759523dd8129c33a90fa103740dada3b", 369),
        gzip("27c60cee15e894d66ba4a00568a27b094f725197640e58d81129d9241a13b2ee", 214),
      ],
    },
    digests: { "docker push": "d8ce78e6d1b909b07abac9fc2cbbc82a4359f89899a8286b4b4ad64b7e0f2494" },
  },
  ubuntu: {
    parts: {
      config: part("72300a873c2ca11c70d0c8642177ce76ff69ae04d61a5813ef58d40ff66e3e7c", 3408),
      layers: [
        gzip("423ae2b273f4c17ceee9e8482fa8d071d90c7d052ae208e1fe4963fceb3d6954", 26_692_096),
        gzip("de83a2304fa1f7c4a13708a0d15b9704f5945c2be5cbb2b3ed9b2ccb718d0b3d", 35_365),
        gzip("f9a83bce3af0648efaa60b9bb28225b09136d2d35d0bed25ac764297076dec1b", 852),
        gzip("b6b53be908de2c0c78070fff0a9f04835211b3156c4e73785747af365e71a0d7", 163),
      ],
    },
    digests: { "docker push": "0925d086715714114c1988f7c947db94064fd385e171a63c07730f1fa014e6f9" },
  },
  "hello-world:nanoserver": {
    parts: {
      config: part("bc5d255ea81f83c8c38a982a6d29a6f2198427d258aea5f166e49856896b2da6", 1721),
      layers: [
        {
          ...gzip("a35da61c356213336e646756218539950461ff2bf096badf307a23add6e70053", 101_145_811),
          foreign: {
            mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            urls: [
              "https://mcr.microsoft.com/v2/windows/nanoserver/blobs/sha256:a35da61c356213336e646756218539950461ff2bf096badf307a23add6e70053",
            ],
          },
        },
        gzip("be21f08f670160cbae227e3053205b91d6bfa3de750b90c7e00bd2c511ccb63a", 1669),
        gzip("10d1439be4eb8819987ec2e9c140d44d74d6b42a823d57fe1953bd99948e1bc0", 949),
      ],
    },
    digests: { "docker push": "63c287625c2b0b72900e562de73c0e381472a83b1b39217aef3856cd398eca0b" },
  },
  "kubernetesui/dashboard:v2.7.0": {
    parts: {
      config: part("07655ddf2eebe5d250f7a72c25f638b27126805d61779741b4e62e69ba080558", 1555),
      layers: [
        gzip("ee3247c7e545df975ba3826979c7a8d73f1373cbb3ac47def3b734631cef2965", 75_784_467),
        gzip("8e052fd7e2d0aec4ef51e4505d006158414775ad5f0ea3e479ac0ba92f90dfff", 508),
      ],
    },
    digests: { "OCI types, compact": "fdf2e873124ad75fc8ce02b39dfbd63471595e50d90cf5329a600a803c5334fc" },
  },
};

describe("the manifest of an export", () => {
  for (const [image, { parts, digests }] of Object.entries(GOLDEN)) {
    for (const [by, hex] of Object.entries(digests)) {
      it(`${image} is rebuilt as it was made by ${by}`, () => {
        const digest = parseDigest(`sha256:${hex}`);
        const { bytes, descriptor } = possibleManifests(parts).get(digest)?.() ?? assert.fail("not among the possible");
        assert.equal(digestOf(bytes), digest);
        assert.deepEqual({ digest: descriptor.digest, size: descriptor.size }, { digest, size: bytes.length });
        assert.equal(JSON.parse(Buffer.from(bytes).toString()).mediaType, descriptor.mediaType);
      });
    }
  }

  const { parts } = SMALLGO;

  it("has one canonical form, which is among the possible ones and is what crane push writes", () => {
    const { bytes, descriptor } = canonicalManifest(parts);
    assert.ok(possibleManifests(parts).has(descriptor.digest));
    const config = parts.config;
    const start = `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":${config.size},"digest":"${config.digest}"},"layers":[`;
    assert.ok(Buffer.from(bytes).toString().startsWith(start));
  });

  it("is an OCI manifest when a layer is zstd, for which Docker has no type", () => {
    const zstd: ImageParts = { ...parts, layers: [{ ...part("a".repeat(64), 9), compression: "zstd" }] };
    const { descriptor, bytes } = canonicalManifest(zstd);
    assert.equal(descriptor.mediaType, "application/vnd.oci.image.manifest.v1+json");
    assert.equal(JSON.parse(bytes.toString()).layers[0].mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
    for (const make of possibleManifests(zstd).values()) assert.ok(!make().bytes.toString().includes("vnd.docker"));
  });

  it("of plain layers is tried with the gzip type too, which skopeo leaves when it decompresses", () => {
    const plain: ImageParts = { ...parts, layers: [{ ...part("a".repeat(64), 9), compression: "none" }] };
    const types = [...possibleManifests(plain).values()].map((make) => JSON.parse(make().bytes.toString()).layers[0]);
    const distinct = new Set(types.map(({ mediaType }) => mediaType));
    assert.ok(distinct.has("application/vnd.docker.image.rootfs.diff.tar"));
    assert.ok(distinct.has("application/vnd.docker.image.rootfs.diff.tar.gzip"));
    assert.ok(distinct.has("application/vnd.oci.image.layer.v1.tar"));
  });

  it("escapes in URLs what Go escapes", () => {
    const urls = ["https://example.test/a?b=1&c=<d>"];
    const foreign = { mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls };
    const { bytes } = canonicalManifest({ ...parts, layers: [{ ...gzip("a".repeat(64), 9), foreign }] });
    assert.ok(bytes.toString().includes("a?b=1\\u0026c=\\u003cd\\u003e"));
    assert.deepEqual(JSON.parse(bytes.toString()).layers[0].urls, urls);
  });
});
