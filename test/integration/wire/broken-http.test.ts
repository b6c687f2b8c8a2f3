/** Clients that do not speak HTTP well: garbage, floods of headers, bodies that never come. The server lives. */
import { deepStrictEqual } from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Stored, StoredReader } from './stored.ts';
import { bearer, http } from './wire.ts';

const TIMEOUT_MS = 2000;
const BODY = '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"hello"}]}}';

let parley: ParleyProcess;
let reader: StoredReader;
let before: Stored;
let pid: number | undefined;
const sockets: Socket[] = [];

beforeAll(async () => {
  parley = await startParley({ config: `server:\n  requestTimeoutMs: ${TIMEOUT_MS}\n` });
  reader = new StoredReader(parley);
  before = await reader.read();
  pid = parley.pid;
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  // The same process answers, and has stored nothing.
  deepStrictEqual([parley.hasExited(), parley.pid, await reader.read()], [false, pid, before]);
});

afterAll(() => reader?.close());

async function open(): Promise<Socket> {
  const socket = connect(parley.ports.port, '127.0.0.1');
  sockets.push(socket);
  // A server that closes while we still write is no failure of the test.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** What the server says until it closes. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

/** Sends bytes as they are and reads until the server closes. */
async function say(bytes: string | Uint8Array): Promise<string> {
  const socket = await open();
  const heard = untilClosed(socket);
  socket.write(bytes);
  return heard;
}

function head(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ host: '127.0.0.1', ...bearer(parley), 'a2a-version': '1.0', ...headers });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

test.each([
  ['words', 'hello there\r\n\r\n'],
  ['binary', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03])],
  ['zeros', Buffer.alloc(1000)],
  ['an unknown method', 'BREW /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
  ['an unknown version', 'GET /a2a HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n'],
  ['a header without a name', 'GET /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\n: a\r\n\r\n'],
  ['a header with a space in its name', 'GET /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\na b: c\r\n\r\n'],
  ['a NUL in a header', 'GET /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\na: b\u0000c\r\n\r\n'],
  ['a length that is no number', 'POST /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ten\r\n\r\n'],
  ['a negative length', 'POST /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -1\r\n\r\n'],
  ['two lengths', 'POST /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  [
    'a length and chunks',
    'POST /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['no host', 'GET /a2a HTTP/1.1\r\n\r\n'],
])('[A5] %s is 400 and the end of the connection', async (_what, bytes) => {
  const answer = await say(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/connection: close/i);
});

test('[A5] two Host headers are 400, whatever they say', async () => {
  for (const hosts of ['host: 127.0.0.1\r\nHost: evil.example', 'host: 127.0.0.1\r\nhost: 127.0.0.1']) {
    const answer = await say(`GET /healthz HTTP/1.1\r\n${hosts}\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('The request has two Host headers');
  }
});

test('[A5, O3, O4] what Node refuses itself is told in JSON with a request id, and counted', async () => {
  const answer = await say('hello there\r\n\r\n');
  const [headers = '', body = ''] = answer.split('\r\n\r\n');
  expect(headers).toMatch(/\r\nx-request-id: [\w-]+/);
  const { text } = await http(`${parley.metricsUrl}/metrics`);
  expect(text).toMatch(/^parley_http_unreadable_total\{status="400"\} [1-9]/m);
  expect(JSON.parse(body)).toMatchObject({ error: { code: 400, details: [{ reason: 'INVALID_REQUEST' }] } });
});

test('[A5] a chunk of a length that is no number stores nothing', async () => {
  const answer = await say(
    `${head('POST', '/a2a/message:send', { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })}zz\r\n${BODY}\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test('[A5] a megabyte of headers is 431', async () => {
  const socket = await open();
  const heard = untilClosed(socket);
  socket.write('GET /a2a/tasks HTTP/1.1\r\nhost: 127.0.0.1\r\n');
  for (let index = 0; index < 1024 && !socket.destroyed; index++) socket.write(`x-${index}: ${'a'.repeat(1015)}\r\n`);
  const answer = await heard;
  // The answer may be lost where the close comes while megabytes are still being written.
  expect(answer).toMatch(/^$|^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
});

test('[A5] headers just above the limit are 431, and say which limit', async () => {
  const answer = await say(head('GET', '/a2a/tasks', { 'x-long': 'a'.repeat(17_000) }));
  expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  const [, body = ''] = answer.split('\r\n\r\n');
  expect(JSON.parse(body)).toMatchObject({
    error: {
      code: 431,
      message: expect.stringContaining('server.headerLimitBytes'),
      details: [{ reason: 'HEADERS_TOO_LARGE' }],
    },
  });
});

test('[A5] a thousand headers are no harm', async () => {
  const headers = Object.fromEntries(Array.from({ length: 1000 }, (_header, index) => [`x-${index}`, 'a']));
  const { status } = await http(`${parley.url}/a2a/tasks`, {
    headers: { ...bearer(parley), 'a2a-version': '1.0', ...headers },
  });
  expect([200, 431]).toContain(status);
});

test('[A5] a path of 100,000 characters is refused', async () => {
  expect(await say(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 |^$/);
});

test('[A5] a body that is cut off by its client stores nothing', async () => {
  const type = { 'content-type': 'application/json' };
  for (const cut of [0, 1, 20, BODY.length - 1]) {
    const socket = await open();
    socket.write(
      head('POST', '/a2a/message:send', { ...type, 'content-length': String(BODY.length) }) + BODY.slice(0, cut),
    );
    // On its way before the connection goes.
    await waitFor('the bytes to be written', 20_000, () => socket.writableLength === 0);
    socket.destroy();
  }
  const socket = await open();
  socket.write(
    `${head('POST', '/a2a/message:send', { ...type, 'transfer-encoding': 'chunked' })}${BODY.length.toString(16)}\r\n${BODY}\r\n`,
  );
  await waitFor('the bytes to be written', 20_000, () => socket.writableLength === 0);
  socket.destroy();
  expect(await reader.read()).toEqual(before);
});

test('[A5] a body shorter than it was said to be is 400, when its client says no more', async () => {
  const socket = await open();
  const heard = untilClosed(socket);
  socket.end(
    head('POST', '/a2a/message:send', {
      'content-type': 'application/json',
      'content-length': String(BODY.length + 10),
    }) + BODY,
  );
  expect(await heard).toMatch(/^(HTTP\/1\.1 400 |$)/);
});

test('[A5] a request that does not come to its end is given up within twice server.requestTimeoutMs', async () => {
  const type = { 'content-type': 'application/json', 'content-length': String(BODY.length) };
  const beginnings = [
    // A head without an end, and a body without an end, for both bindings.
    'POST /a2a HTTP/1.1\r\nhost: 127.0.0.1\r\n',
    head('POST', '/a2a', type) + BODY.slice(0, 30),
    head('POST', '/a2a/message:send', type) + BODY.slice(0, 30),
    head('POST', '/a2a/message:stream', type),
  ];
  const since = performance.now();
  await Promise.all(
    beginnings.map(async (beginning) => {
      const answer = await say(beginning);
      expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(answer).toContain('server.requestTimeoutMs');
    }),
  );
  const tookMs = performance.now() - since;
  expect(tookMs).toBeGreaterThanOrEqual(TIMEOUT_MS * 0.9);
  expect(tookMs).toBeLessThan(TIMEOUT_MS * 2);
});

test('[A5] a body that drips is given up too, and keeps nobody else waiting', async () => {
  const socket = await open();
  const heard = untilClosed(socket);
  socket.write(
    head('POST', '/a2a/message:send', { 'content-type': 'application/json', 'content-length': String(BODY.length) }),
  );
  const drip = setInterval(() => socket.write(' '), 50);
  try {
    let others = 0;
    const answered = heard.finally(() => clearInterval(drip));
    while (!socket.closed && others < 10_000) {
      expect((await http(`${parley.url}/healthz`)).status).toBe(200);
      others++;
    }
    expect(await answered).toMatch(/^HTTP\/1\.1 408 /);
    expect(others).toBeGreaterThan(10);
  } finally {
    clearInterval(drip);
  }
});

test('[A5] two hundred connections that say nothing keep nobody waiting', async () => {
  const silent = await Promise.all(Array.from({ length: 200 }, () => open()));
  expect((await http(`${parley.url}/healthz`)).status).toBe(200);
  expect(silent).toHaveLength(200);
});

test('[A5] requests that come in one packet are each answered, in order', async () => {
  const socket = await open();
  const heard = untilClosed(socket);
  socket.write(
    head('GET', '/healthz', {}) + head('GET', '/a2a/tasks/nope', {}) + head('GET', '/healthz', { connection: 'close' }),
  );
  const statuses = [...(await heard).matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
  expect(statuses).toEqual(['200', '404', '200']);
});
