/** Answers that wait behind others of their connection: HTTP/1.1 lets a client send on without waiting for an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const waitingOn = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Has an answer that waits be closed with its connection, as Node does with the one whose turn it is. Else what it holds, such
 * as its place among the open streams, would be held for ever.
 */
export function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const waiting = waitingOn.get(socket) ?? watch(socket);
  waiting.add(response);
  response.once('socket', () => waiting.delete(response));
}

/** One listener per connection, however many wait. */
function watch(socket: Socket): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  waitingOn.set(socket, waiting);
  socket.once('close', () => {
    for (const response of waiting) {
      response.destroy();
      response.emit('close');
    }
  });
  return waiting;
}
