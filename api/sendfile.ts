import { createRequire } from "node:module";

/** Copies from a file to a socket inside the kernel: sendfile(2), called through the optional package koffi. */
export interface Sendfile {
  /** Sends now. Returns the bytes that the socket took; 0 at the end of the file; less than 0 when it takes none. */
  send(socket: number, file: number, offset: number, length: number): number;
  /** The same in a thread, for a file that has to be fetched from the disk. `socket` has to stay open until it is done. */
  sendInThread(socket: number, file: number, offset: number, length: number): Promise<number>;
  /** Whether reading there waits for no disk, as far as its ends show. */
  isInMemory(file: number, offset: number, length: number): boolean;
  /** Another descriptor of the same socket, less than 0 when there is none left. To be closed with `close`. */
  duplicate(socket: number): number;
  close(socket: number): void;
}

/** The kernels and layouts of arguments that this was written for: a `long` of 64 bits. */
const ARCHITECTURES: ReadonlySet<string> = new Set(["x64", "arm64", "riscv64", "loong64", "ppc64"]);

/** RWF_NOWAIT of preadv2(2). */
const NO_WAIT = 8;

let loaded: { readonly sendfile: Sendfile | undefined } | undefined;

/** Undefined where there is no such call, or no binary of koffi for the platform. Takes some 30 ms the first time. */
export function loadSendfile(): Sendfile | undefined {
  loaded ??= { sendfile: process.platform === "linux" && ARCHITECTURES.has(process.arch) ? bind() : undefined };
  return loaded.sendfile;
}

function bind(): Sendfile | undefined {
  try {
    // Not imported, because it is optional also for whoever compiles this.
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    const library = koffi.load(null);
    const sendfile = library.func("int64_t sendfile(int, int, void *, uint64_t)");
    const duplicate = library.func("int dup(int)");
    const close = library.func("int close(int)");
    const position = new BigInt64Array(1);
    return {
      send(socket, file, offset, length) {
        position[0] = BigInt(offset);
        return Number(sendfile(socket, file, position, length));
      },
      sendInThread: (socket, file, offset, length) =>
        new Promise((resolve, reject) => {
          // One of its own: the thread writes into it.
          const own = new BigInt64Array([BigInt(offset)]);
          sendfile.async(socket, file, own, length, (error, sent) => {
            // Named here, so that the memory lives as long as the call.
            if (error || own.length === 0) reject(error);
            else resolve(Number(sent));
          });
        }),
      isInMemory: probe(koffi, library),
      duplicate: (socket) => Number(duplicate(socket)),
      close: (socket) => {
        close(socket);
      },
    };
  } catch {
    return undefined;
  }
}

/** Reads a byte at each end unless that would wait. Without preadv2 nothing is known to be in memory. */
function probe(koffi: Koffi, library: Library): Sendfile["isInMemory"] {
  let preadv2: NativeFunction;
  try {
    preadv2 = library.func("int64_t preadv2(int, void *, int, int64_t, int)");
  } catch {
    return () => false;
  }
  const byte = Buffer.allocUnsafeSlow(1);
  // struct iovec: where, how much.
  const vector = new BigUint64Array([BigInt(koffi.address(byte)), 1n]);
  const isThere = (file: number, position: number): boolean =>
    Number(preadv2(file, vector, 1, position, NO_WAIT)) === 1 && byte.length === 1;
  return (file, offset, length) => isThere(file, offset) && isThere(file, offset + length - 1);
}

/** What is used of koffi. */
interface Koffi {
  load(path: null): Library;
  address(memory: Uint8Array): bigint | number;
}

interface Library {
  func(declaration: string): NativeFunction;
}

interface NativeFunction {
  (...args: unknown[]): number | bigint;
  async(...args: [...unknown[], (error: unknown, result: number | bigint) => void]): void;
}
