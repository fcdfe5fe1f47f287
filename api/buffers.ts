/** Memory for transfers: buffers that are used again, all together under a limit. */
export interface Buffers {
  /** A buffer of `wanted` bytes, or a smaller one when little is left; never less than 4 KiB. `wanted` is a power of 2. */
  take(wanted: number): Buffer;
  give(buffer: Buffer): void;
  /** Bytes of all buffers that are in use. */
  readonly taken: number;
}

const SMALLEST = 4 * 1024;

/** How many of each size are kept for the next transfer; the rest is garbage. */
const SPARE = 16;

/** `limit` in bytes. When it is used up, every transfer still gets the smallest buffer: nobody waits for a slow client. */
export function createBuffers(limit: number): Buffers {
  const idle = new Map<number, Buffer[]>();
  let taken = 0;
  return {
    take(wanted) {
      let size = wanted;
      while (size > SMALLEST && taken + size > limit) size /= 2;
      taken += size;
      return idle.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
    },
    give(buffer) {
      taken -= buffer.length;
      const spare = idle.get(buffer.length) ?? [];
      idle.set(buffer.length, spare);
      if (spare.length < SPARE) spare.push(buffer);
    },
    get taken() {
      return taken;
    },
  };
}
