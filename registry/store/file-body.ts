import type { BigIntStats } from "node:fs";
import type { FileRange } from "../archive/files.ts";
import type { FileBody } from "../registry.ts";
import { identityOf } from "./file-state.ts";
import type { OpenFile } from "./open-files.ts";

/** A part of an open file on its way out. `onlyMoved`: a move, which changes the state of the file, ends no transfer. */
export const fileBody = (
  open: OpenFile,
  { path, offset, size }: FileRange,
  { onlyMoved }: { readonly onlyMoved: boolean },
): FileBody => ({
  kind: "file",
  fd: open.fd,
  path,
  identity: identityOf(open.stats),
  onlyMoved,
  offset,
  length: size,
  unchanged: async () => isSameContent(await open.now(), open.stats, { onlyMoved }),
  close: open.close,
});

/** Removing a file changes its state and not its bytes, so what is being sent of it goes on. */
const isSameContent = (now: BigIntStats, before: BigIntStats, { onlyMoved }: { onlyMoved: boolean }): boolean =>
  identityOf(now.nlink === before.nlink && !onlyMoved ? now : ({ ...now, ctimeNs: before.ctimeNs } as BigIntStats)) ===
  identityOf(before);
