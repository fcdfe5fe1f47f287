import type { ServerResponse } from "node:http";
import type { FileBody } from "../registry/registry.ts";
import { createBuffers } from "./buffers.ts";
import { clientOf, type Meter } from "./client.ts";
import { kernelCopy } from "./kernel-copy.ts";
import { readLoop } from "./read-loop.ts";
import { loadSendfile, type Sendfile } from "./sendfile.ts";

const MIB = 1024 * 1024;

/** What all transfers together hold in memory, in bytes, unless something else is asked for. */
export const TRANSFER_MEMORY = 64 * MIB;

export interface TransferOptions {
  /** In bytes. */
  readonly memory?: number;
  /** Without it, the one of this machine; false: none, also where there is one. */
  readonly native?: Sendfile | false;
}

/** How files get to clients. */
export interface Transfers {
  /** `sendfile`: through the kernel; `read`: by reading and writing. */
  readonly way: "sendfile" | "read";
  /** How many are under way. */
  readonly active: number;
  /** Bytes in memory that are on their way, and how many there may be. */
  readonly held: number;
  readonly memory: number;
  /**
   * Sends a verified part of a file, and ends the response only when every byte was sent; when the file became shorter or
   * another, or the client went, this throws and the connection must be destroyed. `meter` counts as they go.
   */
  send(body: FileBody, response: ServerResponse, meter: Meter): Promise<void>;
}

const SMALL_PIECE = 64 * 1024;
const LARGE_PIECE = 512 * 1024;
/** Under TLS larger ones only wait for their turn to be encrypted. */
const LARGE_PIECE_OF_TLS = 256 * 1024;

/**
 * What the kernel copies in one turn of the event loop for all, and for one: about a millisecond, and some tenths. Four
 * times as much made 32 clients wait three times as long for their turns, and got them no more bytes.
 */
const TURN_OF_ALL = 4 * MIB;
const TURN = MIB;
const SHORT_TURN = 128 * 1024;

/** The transfers of one server, which share their memory. */
export function createTransfers({ memory = TRANSFER_MEMORY, native }: TransferOptions = {}): Transfers {
  const sendfile = native === false ? undefined : (native ?? loadSendfile());
  const buffers = createBuffers(memory);
  let active = 0;

  const turn = (): number => Math.max(SHORT_TURN, Math.min(TURN, Math.floor(TURN_OF_ALL / active)));
  const copy = async (body: FileBody, response: ServerResponse, meter: Meter): Promise<void> => {
    const client = clientOf(response, meter);
    const largest = response.socket && "encrypted" in response.socket ? LARGE_PIECE_OF_TLS : LARGE_PIECE;
    // A fast client holds two.
    const large = (): number => (active * 2 * largest > memory ? SMALL_PIECE : largest);
    const done = sendfile ? await kernelCopy(body, client, response, { buffers, sendfile, turn }) : 0;
    await readLoop(body, client, { buffers, sendfile, large, done });
    response.end();
  };

  return {
    way: sendfile ? "sendfile" : "read",
    get active() {
      return active;
    },
    get held() {
      return buffers.taken;
    },
    memory,
    async send(body, response, meter) {
      active++;
      try {
        await copy(body, response, meter);
      } finally {
        active--;
      }
    },
  };
}
