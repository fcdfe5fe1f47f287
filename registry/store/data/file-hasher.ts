import { Worker } from "node:worker_threads";
import { type Digest, digestFrom, type HashAlgorithm } from "../../reference.ts";

/**
 * Hashes files that grow, in a thread of its own: on the loop, a large upload would hold up all other requests. The thread
 * is started when it is first needed and ended when it has had nothing to do for a while.
 */
export interface FileHasher {
  follow(path: string, algorithm: HashAlgorithm): FollowedFile;
  /** Ends the thread; who waits for it is refused. */
  end(): Promise<void>;
}

/**
 * One file, of which more and more is hashed, and which has at least `size` bytes. To advance to less than is hashed
 * already does nothing; the digest of less cannot be had. Both throw when the thread ended or the file cannot be read; who
 * asks again has it hashed again from its beginning.
 */
export interface FollowedFile {
  /** Whether the thread has begun with the file. If not, it begins at 0, however much it had hashed before. */
  readonly isBegun: boolean;
  /**
   * Returns when the first `size` bytes are hashed. `last` is what is at hand of them, up to `size`: it need not be read
   * from the file again, and nobody can use it afterwards.
   */
  advance(size: number, last?: ArrayBuffer[]): Promise<void>;
  /** Of the first `size` bytes; more may follow. */
  digest(size: number): Promise<Digest>;
  /** Lets go of the file. */
  close(): void;
}

/** To the thread: hash a file up to a size. A file that it has not heard of begins at 0. */
export interface HashRequest {
  readonly kind: "hash";
  readonly request: number;
  readonly file: number;
  readonly path: string;
  readonly algorithm: HashAlgorithm;
  readonly size: number;
  /** The bytes before `size`, as far as they are at hand. */
  readonly last: ArrayBuffer[];
  readonly wantsDigest: boolean;
}

/** To the thread: this file is not needed any more. */
export interface CloseRequest {
  readonly kind: "close";
  readonly file: number;
}

/** From the thread. */
export interface HashAnswer {
  readonly request: number;
  /** In hexadecimal, when it was wanted. */
  readonly digest?: string;
  readonly error?: string;
}

/** The thread, as far as it is used here. */
export type HashThread = Pick<Worker, "postMessage" | "on" | "ref" | "unref" | "terminate">;

/** After so many ms without work the thread is ended. What it knew of open uploads is then made from their files. */
const IDLE = 30_000;

const startThread = (): HashThread =>
  new Worker(new URL("./file-hasher-thread.js", import.meta.url), {
    // It has one buffer and a few small objects.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    // Nothing of it is worth inheriting, and an inspector would keep it.
    execArgv: [],
  });

interface Waiting {
  readonly resolve: (digest: string) => void;
  readonly reject: (error: Error) => void;
}

export function fileHasher({ start = startThread, idle = IDLE } = {}): FileHasher {
  let thread: HashThread | undefined;
  let resting: NodeJS.Timeout | undefined;
  /** The last thread ended before it did anything: the next one would, too. */
  let hopeless = false;
  let hasAnswered = false;
  let counter = 0;
  const waiting = new Map<number, Waiting>();

  const settle = (request: number): Waiting | undefined => {
    const who = waiting.get(request);
    waiting.delete(request);
    if (waiting.size === 0) rest();
    return who;
  };
  /** The process may exit while a thread rests, but not while somebody waits for it. */
  const rest = (): void => {
    thread?.unref();
    clearTimeout(resting);
    resting = setTimeout(() => void end(), idle).unref();
  };
  const end = async (): Promise<void> => {
    const ending = thread;
    if (ending) lose(ending, new Error("The thread that hashes was ended"));
    await ending?.terminate();
  };
  const lose = (lost: HashThread, error: Error): void => {
    if (lost !== thread) return;
    thread = undefined;
    clearTimeout(resting);
    const all = [...waiting.values()];
    waiting.clear();
    for (const { reject } of all) reject(error);
  };
  const begin = (): HashThread => {
    const started = start();
    hasAnswered = false;
    started.on("message", ({ request, digest = "", error }: HashAnswer) => {
      hasAnswered = true;
      const who = settle(request);
      if (error === undefined) who?.resolve(digest);
      else who?.reject(new Error(error));
    });
    const onDeath = (error: Error): void => {
      if (started === thread && !hasAnswered) hopeless = true;
      lose(started, error);
    };
    started.on("error", onDeath);
    started.on("exit", () => onDeath(new Error("The thread that hashes died")));
    return started;
  };
  const ask = (request: Omit<HashRequest, "request">): Promise<string> =>
    new Promise((resolve, reject) => {
      if (hopeless) throw new Error("There is no thread that hashes");
      thread ??= begin();
      clearTimeout(resting);
      thread.ref();
      const number = counter++;
      waiting.set(number, { resolve, reject });
      thread.postMessage({ ...request, request: number } satisfies HashRequest, request.last);
    });

  return {
    follow(path, algorithm) {
      const file = counter++;
      let begunBy: HashThread | undefined;
      const hash = async (size: number, wantsDigest: boolean, last: ArrayBuffer[] = []): Promise<string> => {
        try {
          const asked = ask({ kind: "hash", file, path, algorithm, size, last, wantsDigest });
          begunBy = thread;
          return await asked;
        } catch (error) {
          begunBy = undefined;
          throw error;
        }
      };
      return {
        get isBegun() {
          return begunBy !== undefined && begunBy === thread;
        },
        async advance(size, last) {
          await hash(size, false, last);
        },
        digest: async (size) => digestFrom(algorithm, await hash(size, true)),
        close: () => thread?.postMessage({ kind: "close", file } satisfies CloseRequest),
      };
    },
    end,
  };
}
