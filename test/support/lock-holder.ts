import { lockFolder } from "../../registry/store/data/folder-lock.ts";

/** A process that tries to take a lock, says whether it did, and keeps it until it is killed. */
const [path = ""] = process.argv.slice(2);
const got = await lockFolder(path, () => {}).then(
  () => true,
  () => false,
);
process.send?.(got);
// Nothing else would keep it alive.
process.on("message", () => {});
