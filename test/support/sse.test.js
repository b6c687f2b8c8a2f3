/** The client of the stream tests is honest: it shows what came, in order, and leaves when told. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSse } from './sse.js';

let server;
let url;
let answer;
beforeEach(async () => {
  server = createServer((request, response) => answer(response, request.headers['last-event-id']?.toString()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}/`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});
test('events arrive whole and in order, whatever the chunks are, also when a character is cut in two', async () => {
  const wire = Buffer.from(': hello\n\nid: 1\ndata: {"a":"é"}\n\nid: 2\nevent: x\ndata: one\ndata: two\n\n');
  const cut = wire.indexOf('é') + 1;
  answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(wire.subarray(0, cut));
    setImmediate(() => response.end(wire.subarray(cut)));
  };
  const comments = [];
  const stream = await openSse(url, { onComment: (comment) => comments.push(comment) });
  expect(stream.status).toBe(200);
  expect(await stream.collect()).toEqual([
    { id: '1', event: undefined, data: '{"a":"é"}' },
    { id: '2', event: 'x', data: 'one\ntwo' },
  ]);
  expect(comments).toEqual(['hello']);
});
test('leaving closes the connection, and ends the iteration without an error', async () => {
  let closed = Promise.reject(new Error('no request came'));
  closed.catch(() => undefined);
  answer = (response, lastEventId) => {
    closed = once(response, 'close');
    response.write(`id: ${lastEventId}\ndata: first\n\n`);
  };
  const stream = await openSse(url, { lastEventId: '41' });
  const seen = [];
  for await (const event of stream) {
    seen.push(`${event.id} ${event.data}`);
    stream.close();
  }
  expect(seen).toEqual(['41 first']);
  await closed;
});
test('a connection that breaks is an error, not the end of the stream', async () => {
  answer = (response) => {
    response.write('id: 1\ndata: first\n\n');
    setImmediate(() => response.destroy());
  };
  const stream = await openSse(url);
  await expect(stream.collect()).rejects.toThrow(/terminated|other side closed|aborted/);
});
