import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Registry } from "../registry/registry.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { folder } from "../registry/store/folder.ts";
import { memory } from "../registry/store/memory.ts";
import { type Subject, testRegistry } from "./contract.ts";
import { pushImage, type TestImage, writeExport } from "./support/images.ts";
import { remote } from "./support/remote.ts";
import { startServer } from "./support/server.ts";

async function memoryWith(images: readonly TestImage[]): Promise<Subject> {
  const registry = memory();
  for (const image of images) await pushImage(registry, image);
  return { registry, close: async () => {} };
}

async function folderWith(images: readonly TestImage[]): Promise<Subject> {
  const root = mkdtempSync(join(tmpdir(), "ociregistry-test-"));
  for (const image of images) writeExport(root, image);
  return { registry: folder({ current: readFolder(root) }), close: async () => rmSync(root, { recursive: true }) };
}

async function overHttp({ registry, close }: Subject, client: (origin: string) => Registry): Promise<Subject> {
  const server = await startServer(registry);
  return {
    registry: client(server.origin),
    close: async () => {
      await server.close();
      await close();
    },
  };
}

testRegistry("the memory store", memoryWith, { writable: true });
testRegistry("the folder store", folderWith, { writable: false });
testRegistry("a server of the memory store", async (images) => overHttp(await memoryWith(images), remote), {
  writable: true,
});
testRegistry(
  "a server of the folder store, in pages of one",
  async (images) => overHttp(await folderWith(images), (origin) => remote(origin, { pageSize: 1 })),
  { writable: false },
);
