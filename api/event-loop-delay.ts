import type { Histogram } from "./histogram.ts";

/** How often it is looked, in ms. */
const INTERVAL = 50;

/** Measures how late the event loop comes to what is due. Returns what ends that. */
export function watchEventLoop(delays: Histogram): () => void {
  let due = performance.now() + INTERVAL;
  const timer = setInterval(() => {
    const now = performance.now();
    // A timer may come a little early, too.
    delays.observe(Math.max(0, now - due) / 1000);
    due = now + INTERVAL;
  }, INTERVAL);
  timer.unref();
  return () => clearInterval(timer);
}
