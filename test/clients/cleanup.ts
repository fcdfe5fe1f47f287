import { after } from "node:test";

type Undo = () => Promise<void> | void;

/** Takes what is to be undone when the suite ends. */
export type Cleanup = (undo: Undo) => void;

/**
 * To be called inside `describe`. What the result is given runs after the suite, also when the
 * suite failed: the latest first, and each of them whatever becomes of the others.
 */
export function cleanupAfterSuite(): Cleanup {
  const undos: Undo[] = [];
  after(async () => {
    const errors: unknown[] = [];
    for (const undo of undos.reverse()) {
      try {
        await undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join("\n"));
  });
  return (undo) => void undos.push(undo);
}
