import type { Socket } from "node:net";

/** The number of a connection in this process; less than 0 when it is closed. Node has no public name for it. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null };
  return typeof handle?.fd === "number" ? handle.fd : -1;
}
