import { existsSync } from "node:fs";
import type { Collection } from "../registry/store/data/collect.ts";
import { FolderInUse } from "../registry/store/data/folder-lock.ts";
import { UPLOAD_LIMITS } from "../registry/store/data/upload-limits.ts";
import { count, formatBytes, printable } from "./format.ts";
import { requestCollection } from "./gc-requests.ts";
import { openNamedData } from "./open-registry.ts";
import type { GcCommand } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

/** Collects what no manifest needs; when a server has the data folder, that server does it. Throws UsageError. */
export async function gc({ data, gcGrace, dryRun }: GcCommand): Promise<string> {
  if (!existsSync(data)) throw new UsageError(`there is no data folder "${data}"; nothing was pushed yet`);
  const options = { grace: gcGrace, dryRun };
  const collection = await collectHere(data, options).catch((error) => {
    if (!(error instanceof UsageError && error.cause instanceof FolderInUse)) throw error;
    return requestCollection(data, options).then((answer) => {
      if (answer) return answer;
      throw error;
    });
  });
  return `${[...collection.problems.map(printable), collectionLine(collection, dryRun)].join("\n")}\n`;
}

/** What was collected, in one line. */
export function collectionLine({ unlinked, trashed, bytes, removed, expired }: Collection, dryRun = false): string {
  const parts = [
    `${count(unlinked, "blob")} out of ${unlinked === 1 ? "a repository" : "repositories"}`,
    `${count(trashed, "blob")} (${formatBytes(bytes)}) to the trash`,
    `${count(removed, "blob")} removed for good`,
    `${count(expired, "upload")} given up`,
  ];
  return `${dryRun ? "would collect" : "collected"}: ${parts.join(", ")}`;
}

async function collectHere(data: string, options: { grace: number; dryRun: boolean }): Promise<Collection> {
  const store = await openNamedData({
    data,
    readOnly: false,
    immutable: [],
    // For how long an upload is kept, only the server that it was begun with can say.
    limits: { ...UPLOAD_LIMITS, uploadExpiry: Number.POSITIVE_INFINITY },
    sparse: false,
    deleteInUse: false,
    sync: true,
  });
  try {
    return await store.collect(options);
  } finally {
    await store.close();
  }
}
