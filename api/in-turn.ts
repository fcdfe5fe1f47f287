import type { RequestListener } from "node:http";
import type { Socket } from "node:net";

/** How many requests of one connection may wait. Clients of registries send the next one when they have an answer. */
const WAITING = 16;

/**
 * Answers the requests of one connection one after the other, as they have to be sent in any case. Node hands out all
 * that came in one packet, a thousand of them, at once: each would open its blob and hold a piece of it until it is its
 * turn. Who sends far too many ahead loses the connection, because only what has been read can be counted.
 */
export function inTurn(listener: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();
  return (request, response) => {
    // Node gives a response its connection when all before it are sent.
    if (response.socket) {
      listener(request, response);
      return;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count > WAITING) {
      request.destroy();
      return;
    }
    response.once("socket", () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      // Not at once: other connections have their turn between two requests of this one.
      setImmediate(() => {
        if (!response.destroyed) listener(request, response);
      });
    });
  };
}
