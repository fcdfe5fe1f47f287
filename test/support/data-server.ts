import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "../../api/server.ts";
import { openDataStore } from "../../registry/store/data/data-store.ts";
import { type Disk, nodeDisk } from "../../registry/store/data/disk.ts";

/**
 * A server of a data folder, to be killed: says its port and how long opening took (ms), and collects without end once it
 * reads something. With `in-place` it writes over what is there, as no store should.
 */
const [folder = "", mode] = process.argv.slice(2);

const inPlace: Disk = {
  ...nodeDisk,
  async rename(from, to) {
    const bytes = await readFile(from);
    await writeFile(to, "");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(to, bytes);
    await rm(from);
  },
};

const before = performance.now();
const store = await openDataStore(folder, mode === "in-place" ? { disk: inPlace } : {});
const opened = performance.now() - before;
const server = await createServer(store.registry);
server.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, opened }));
await once(process.stdin, "data");
for (;;) {
  await store.collect({ grace: 0 });
  await new Promise((resolve) => setTimeout(resolve, 5));
}
