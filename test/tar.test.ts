import assert from "node:assert/strict";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { indexTar, type TarMember } from "../registry/archive/tar.ts";
import { temporaryFolder } from "./support/images.ts";

/** A header as GNU tar writes it. `more`: the map of a sparse member goes on in the next block. */
function header(name: string, size: number, type = "0", more = false): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.fill(0x20, 148, 156);
  block.write(type, 156);
  if (more) block[482] = 1;
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function indexOf(context: TestContext, blocks: readonly Buffer[]): Map<string, TarMember> {
  const path = join(temporaryFolder(context), "a.tar");
  const bytes = Buffer.concat([...blocks, Buffer.alloc(1024)]);
  writeFileSync(path, bytes);
  return indexTar(openSync(path, "r"), bytes.length);
}

describe("the members of a tar", () => {
  // Headers are read in pieces of 8 KiB and more, so with 15 before it the map is in the next piece.
  for (const before of [14, 15, 16]) {
    it(`are told by their own headers, behind ${before} blocks and a map of two`, (context) => {
      const fillers = (length: number): Buffer[] =>
        Array.from({ length }, (_, index) => header(`${length}-${index}`, 0));
      const map = Buffer.alloc(512);
      map[504] = 1;
      const blocks = [
        ...fillers(before),
        header("sparse", 512, "S", true),
        map,
        Buffer.alloc(512),
        Buffer.alloc(512, "x"),
      ];
      const members = indexOf(context, [...blocks, header("after", 3), Buffer.alloc(512, "y"), ...fillers(40)]);
      assert.deepEqual(members.get("sparse"), { kind: "sparse" });
      assert.deepEqual(members.get("after"), { kind: "file", offset: (before + 5) * 512, size: 3 });
      assert.equal(members.size, before + 42);
    });
  }

  it("may have sizes between spaces, and none of other signs", (context) => {
    const spaced = header("spaced", 0);
    const write = (text: string): Buffer => {
      const block = Buffer.from(spaced);
      block.write(text.padEnd(12, "\0"), 124);
      block.fill(0x20, 148, 156);
      const sum = block.reduce((total, byte) => total + byte, 0);
      block.write(`${sum.toString(8)} \0`, 148);
      return block;
    };
    const members = indexOf(context, [write("   17 "), Buffer.alloc(512)]);
    assert.deepEqual(members.get("spaced"), { kind: "file", offset: 512, size: 15 });
    for (const text of ["18", "-1", "1 1", "0x1"]) {
      assert.throws(() => indexOf(context, [write(text)]), /the tar has a member of ".*" bytes/);
    }
  });
});
