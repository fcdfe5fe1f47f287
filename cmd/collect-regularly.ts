import type { DataStore } from "../registry/store/data/data-store.ts";
import { complain } from "./complain.ts";
import { describe, messageOf } from "./describe.ts";
import { collectionLine } from "./gc.ts";
import { answerRequests } from "./gc-requests.ts";
import type { ServeCommand } from "./usage.ts";

/** Collects on a schedule, and when `ociregistry gc` asks. Returns what ends that. */
export function collectRegularly(
  data: Pick<DataStore, "opened" | "collect">,
  { gcInterval, gcGrace, data: folder }: ServeCommand,
): () => void {
  let requests: ReturnType<typeof answerRequests> | undefined;
  void data.opened.then(() => {
    requests = answerRequests(folder, data.collect, (error) =>
      complain(`ociregistry gc cannot reach this server until it is started again: ${messageOf(error)}`),
    );
  });
  const collect = async (): Promise<void> => {
    try {
      const collection = await data.collect({ grace: gcGrace });
      for (const problem of collection.problems) complain(problem);
      const { unlinked, trashed, removed, expired } = collection;
      if (unlinked + trashed + removed + expired > 0) process.stdout.write(`${collectionLine(collection)}\n`);
    } catch (error) {
      complain(`cannot collect garbage: ${describe(error)}`);
    }
    timer?.refresh();
  };
  const timer = gcInterval === 0 ? undefined : setTimeout(() => void collect(), gcInterval);
  timer?.unref();
  return () => {
    clearTimeout(timer);
    requests?.close();
  };
}
