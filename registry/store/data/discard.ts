import { MessageChannel, type MessagePort } from "node:worker_threads";

/** Chunks that are smaller, on the average, cost more to give away than to be collected as garbage. */
const WORTH_IT = 8 * 1024;

/** The memory of chunks, when each has its own and it is worth giving away; otherwise undefined. */
export function memoryOf(chunks: readonly Uint8Array[]): ArrayBuffer[] | undefined {
  const memory: ArrayBuffer[] = [];
  let bytes = 0;
  for (const { buffer, byteLength } of chunks) {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== byteLength) return undefined;
    memory.push(buffer);
    bytes += byteLength;
  }
  return bytes >= memory.length * WORTH_IT ? memory : undefined;
}

let nowhere: MessagePort | undefined;

/**
 * Gives memory back at once; nobody can use it afterwards. Otherwise the garbage collector looks through the whole heap
 * each time that it wants to know what is free outside of it: fifty times for an upload of 1 GiB, which took a quarter of
 * the processor and made other requests wait.
 */
export function discard(memory: ArrayBuffer[]): void {
  if (memory.length > 0) portToNowhere().postMessage(undefined, memory);
}

/** What is transferred to a port whose other end is closed belongs to nobody. */
function portToNowhere(): MessagePort {
  if (nowhere) return nowhere;
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  nowhere = port1;
  return nowhere;
}
