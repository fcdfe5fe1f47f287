import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fallbackTags } from "../registry/layer/fallback-tags.ts";
import { immutableTags } from "../registry/layer/immutable-tags.ts";
import { overlay } from "../registry/layer/overlay.ts";
import { readOnly } from "../registry/layer/read-only.ts";
import type { Registry } from "../registry/registry.ts";
import { readFolder } from "../registry/store/catalogue.ts";
import { openDataStore } from "../registry/store/data/data-store.ts";
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

/** `again`: everything was pushed by a process that is gone. */
async function dataWith(images: readonly TestImage[], { again = false } = {}): Promise<Subject> {
  const root = mkdtempSync(join(tmpdir(), "ociregistry-test-"));
  const open = () => openDataStore(join(root, "data"), { sync: false });
  let store = await open();
  for (const image of images) await pushImage(store.registry, image);
  if (again) {
    await store.close();
    store = await open();
  }
  return {
    registry: store.registry,
    close: async () => {
      await store.close();
      rmSync(root, { recursive: true });
    },
  };
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
testRegistry("the data store", dataWith, { writable: true });
testRegistry("the data store, opened again", (images) => dataWith(images, { again: true }), { writable: true });
testRegistry("a server of the data store", async (images) => overHttp(await dataWith(images), remote), {
  writable: true,
});
testRegistry(
  "a server of the data store, in pages of one",
  async (images) => overHttp(await dataWith(images), (origin) => remote(origin, { pageSize: 1 })),
  { writable: true },
);
testRegistry(
  "layers over pushed images",
  async (images) => {
    const { registry, close } = await memoryWith(images);
    return { registry: immutableTags(fallbackTags(overlay(registry, memory())), () => false), close };
  },
  { writable: true },
);
testRegistry(
  "layers over images that are only read",
  async (images) => {
    const { registry, close } = await memoryWith(images);
    return { registry: readOnly(fallbackTags(overlay(memory(), registry)), "for a test"), close };
  },
  { writable: false },
);
testRegistry("the folder store", folderWith, { writable: false });
testRegistry("a server of the memory store", async (images) => overHttp(await memoryWith(images), remote), {
  writable: true,
});
testRegistry(
  "a server of the folder store, in pages of one",
  async (images) => overHttp(await folderWith(images), (origin) => remote(origin, { pageSize: 1 })),
  { writable: false },
);
