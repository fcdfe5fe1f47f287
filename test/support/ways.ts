import { loadSendfile } from "../../api/sendfile.ts";
import { createTransfers, type TransferOptions, type Transfers } from "../../api/transfers.ts";

/** The ways to send blobs that this machine has; what is asked of one is asked of all. */
export const WAYS: readonly { readonly way: string; create(options?: TransferOptions): Transfers }[] = [
  { way: "by reading and writing", create: (options = {}) => createTransfers({ ...options, native: false }) },
  ...(loadSendfile() ? [{ way: "by sendfile", create: createTransfers }] : []),
  ...(loadSendfile() ? [{ way: "by sendfile in threads", create: inThreads }] : []),
];

/** As if every file had to be fetched from the disk. */
function inThreads(options: TransferOptions = {}): Transfers {
  const native = loadSendfile();
  if (!native) throw new Error("There is no sendfile on this machine");
  return createTransfers({ ...options, native: { ...native, isInMemory: () => false } });
}
