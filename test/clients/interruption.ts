import { setMaxListeners } from "node:events";

const controller = new AbortController();

/**
 * Aborted when somebody wants these tests to end early. The command that runs is then ended and the tests that remain
 * fail at once, so that each suite still cleans up behind itself.
 */
export const interruption: AbortSignal = controller.signal;

// One for each command that runs, and some tests run many at once.
setMaxListeners(64, interruption);

const interrupt = () => controller.abort(new Error("interrupted"));

process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

// Node's test runner does not wait for us, and writing to what it no longer reads would end this process.
process.stdout.on("error", interrupt);
process.stderr.on("error", interrupt);
