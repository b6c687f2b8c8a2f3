/** Five thousand requests, broken in random ways: none fails the server, none hangs, and nothing invalid is stored. */
import fc from 'fast-check';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  listTasksResponseSchema,
  sendMessageResponseSchema,
  streamResponseSchema,
} from '../../../src/protocol/v1/schemas.ts';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { type RawRequest, rawRequest } from './malformed.ts';
import { bearer, call, http, textMessage, WIRES } from './wire.ts';

const REQUESTS = 5000;
const HANG_MS = 5000;

let parley: ParleyProcess;
let client: Client;
const v1 = WIRES[0];

beforeAll(async () => {
  // Wrong credentials are part of the game, and must not lock the right one out.
  parley = await startParley({ config: 'rateLimit:\n  failedAuthPerMinute: 0\n' });
  client = new Client(parley.url, { headersTimeout: HANG_MS, bodyTimeout: HANG_MS });
});

afterAll(() => client?.destroy());

interface Outcome {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** A stream is read up to its first event: one of a task that waits for input would go on for ever. */
async function send({ method, path, headers, body }: RawRequest): Promise<Outcome> {
  const leave = new AbortController();
  const response = await client.request({
    method,
    path,
    headers,
    body: body ?? null,
    signal: leave.signal,
  });
  const contentType = String(response.headers['content-type'] ?? '').replace(/;.*/, '');
  const { statusCode: status } = response;
  if (contentType !== 'text/event-stream') return { status, contentType, text: await response.body.text() };
  let text = '';
  response.body.on('error', () => undefined);
  for await (const chunk of response.body) {
    text += String(chunk);
    if (text.includes('\n\n')) break;
  }
  leave.abort();
  return { status, contentType, text };
}

/** An answer of 1.0 by its schema, which knows every field that may be in it. */
function checkAnswer(sent: RawRequest, outcome: Outcome): void {
  const { status, contentType, text } = outcome;
  if (status >= 500 || status < 200) throw new Error(`${status}: ${text}`);
  if (contentType === 'text/event-stream') {
    const [frame = ''] = text.split('\n\n');
    const [, id, json] = /^(?:id: (\d+)\n)?data: (\{.*\})$/.exec(frame) ?? [];
    if (json === undefined) throw new Error(`not a frame: ${frame}`);
    const data = JSON.parse(json) as { jsonrpc?: string; result?: unknown; error?: unknown };
    // What JSON-RPC of 0.3 refuses comes as an event, which is none of the task: it has no id.
    const isRefusal = data.error !== undefined && sent.headers['a2a-version'] !== '1.0';
    if ((id === undefined) !== isRefusal) throw new Error(`an event without its id, or a refusal with one: ${frame}`);
    if (isRefusal) return;
    if (sent.headers['a2a-version'] === '1.0') streamResponseSchema.parse('jsonrpc' in data ? data.result : data);
    return;
  }
  if (text === '') return;
  const answer = JSON.parse(text) as { result?: unknown; error?: unknown };
  // Nothing of the inside of the server is told.
  if (/node_modules|\.ts:\d|\.js:\d|SQLITE|at Object\./.test(text)) throw new Error(`tells too much: ${text}`);
  if (status >= 400 && answer.error === undefined) throw new Error(`an error without an error: ${text}`);
  if (status === 200 && sent.headers['a2a-version'] === '1.0' && sent.path.endsWith('/message:send'))
    sendMessageResponseSchema.parse(answer);
}

async function allTasks(): Promise<Task[]> {
  const tasks: Task[] = [];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ pageSize: '100', includeArtifacts: 'true', pageToken });
    const headers = { ...bearer(parley), 'a2a-version': '1.0' };
    const { json } = await http(`${parley.url}/a2a/tasks?${query.toString()}`, { headers });
    const page = listTasksResponseSchema.parse(json);
    // Equal to what the schema made of it: nothing is stored that the schema does not know.
    expect(page).toEqual(json);
    tasks.push(...page.tasks);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return tasks;
}

test(`[A5] ${REQUESTS} malformed requests: never a 5xx, never a hang, never anything invalid stored`, async () => {
  if (v1 === undefined) throw new Error('No wire');
  const taskIds: string[] = [];
  for (const text of ['hello', '/ask Which city?', '/fail']) {
    const { result } = await call(parley, v1, 'SendMessage', { message: textMessage(text) });
    taskIds.push((result as { task: Task }).task.id);
  }
  const { pid } = parley;
  const card = await http(`${parley.url}/.well-known/agent-card.json`);
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(rawRequest({ taskIds }, bearer(parley)), async (sent) => {
      const outcome = await send(sent);
      statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
      checkAnswer(sent, outcome);
    }),
    { numRuns: REQUESTS, endOnFailure: false, maxSkipsPerRun: 0 },
  );

  expect([...statuses.values()].reduce((sum, n) => sum + n, 0)).toBe(REQUESTS);
  // The requests were worth sending: many got as far as an operation, many were refused, for many reasons.
  const count = (from: number, to: number) =>
    [...statuses].reduce((sum, [status, n]) => sum + (status >= from && status <= to ? n : 0), 0);
  expect(count(200, 299)).toBeGreaterThan(REQUESTS / 20);
  expect(count(400, 499)).toBeGreaterThan(REQUESTS / 5);
  for (const status of [400, 401, 404, 405, 415]) expect([...statuses.keys()]).toContain(status);

  expect(parley.hasExited()).toBe(false);
  expect(parley.pid).toBe(pid);
  const tasks = await allTasks();
  expect(tasks.length).toBeGreaterThan(REQUESTS / 50);
  for (const wire of WIRES) {
    const { status, error } = await call(parley, wire, 'ListTasks', { pageSize: 100, includeArtifacts: true });
    expect([wire.name, status, error]).toEqual([wire.name, 200, undefined]);
    const sent = await call(parley, wire, 'SendMessage', { message: textMessage('still there') });
    expect(sent.result).toMatchObject({ task: { artifacts: [{ parts: [{ text: 'still there' }] }] } });
  }
  expect((await http(`${parley.url}/.well-known/agent-card.json`)).text).toBe(card.text);
  expect(parley.output).not.toMatch(/"level":"?(50|60|error|fatal)/i);

  // And all of it can be read again by a process that did not write it.
  await parley.restart();
  expect((await allTasks()).length).toBe(tasks.length + WIRES.length);
}, 120_000);
