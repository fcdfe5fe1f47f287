import type { Content } from "../content/content.ts";
import type { ServerProcess } from "./server-process.ts";

/** Another server to be measured beside ours. */
export interface Peer {
  readonly name: string;
  /** The program, found or built. Throws Missing. */
  find(): Promise<Program>;
  /** Starts it on a folder and a port of its own, as it comes, but without an access log. */
  start(program: string, folder: string, port: number): Promise<ServerProcess>;
  /** Puts the content into the folder of a server that takes no pushes. */
  place?(folder: string, content: Content): void;
}

export interface Program {
  readonly path: string;
  /** Such as `3.1.2`. */
  readonly version: string;
}
