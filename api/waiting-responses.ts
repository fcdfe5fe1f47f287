import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Lets responses hear that their connection has closed also while they wait for the one before them on it: Node tells
 * only the one whose turn it is, and whoever fills the others would wait for ever. Returns what is to be told of each.
 */
export function watchWaiting(): (response: ServerResponse) => void {
  const waiting = new WeakMap<Duplex, Set<ServerResponse>>();
  const waitingOn = (socket: Duplex): Set<ServerResponse> => {
    const known = waiting.get(socket);
    if (known) return known;
    const responses = new Set<ServerResponse>();
    waiting.set(socket, responses);
    socket.once("close", () => {
      for (const response of responses) closeWaiting(response);
    });
    return responses;
  };
  return (response) => {
    if (response.socket) return;
    const responses = waitingOn(response.req.socket);
    responses.add(response);
    response.once("close", () => responses.delete(response));
  };
}

function closeWaiting(response: ServerResponse): void {
  if (response.socket || response.destroyed || response.writableFinished) return;
  response.destroy();
  response.emit("close");
}
