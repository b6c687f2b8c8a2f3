/** The outbox as owners and operators see it: the management API, the command line, and what they must not see. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { request } from 'undici';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { IssuedKey } from '../../../src/http/admin/contract.ts';
import type { Delivery } from '../../../src/http/admin/delivery-contract.ts';
import { freePorts } from '../../support/ports.ts';
import { programPath } from '../../support/program.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Answer, at, issueKey, manage, metricOf } from '../../support/wire-client.ts';

const PATH = '/api/v1/push/deliveries';
const CONFIG = `
push:
  allowNetworks: ['127.0.0.0/8']
  pollMs: 50
  maxQueuedPerOwner: 30
  retry: { initialDelayMs: 20, maxDelayMs: 50, giveUpAfterMs: 200 }
`;

let parley: ParleyProcess;
let mine: IssuedKey;
let theirs: IssuedKey;
beforeAll(async () => {
  parley = await startParley({ config: CONFIG, env: { LOG_LEVEL: 'trace' } });
  [mine, theirs] = [await issueKey(parley), await issueKey(parley)];
});

async function send(
  key: string,
  text: string,
  config: object,
  server = parley,
): Promise<{ status: number; json: unknown; text: string }> {
  const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] };
  const response = await request(`${server.url}/a2a/message:send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'a2a-version': '1.0', 'content-type': 'application/json' },
    body: JSON.stringify({ message, configuration: { taskPushNotificationConfig: config } }),
  });
  const body = await response.body.text();
  return { status: response.statusCode, json: JSON.parse(body) as unknown, text: body };
}

const listed = (answer: Answer) => at(answer.json, 'deliveries') as Delivery[];

/** A task of `key` whose two events the receiver will never take. */
async function deadLetters(key: string, receiver: Receiver): Promise<{ taskId: string; letters: Delivery[] }> {
  receiver.reactions = [410];
  const taskId = String(at((await send(key, '/reject', { url: receiver.url() })).json, 'task', 'id'));
  const letters = await waitFor('dead letters', 20_000, async () => {
    const page = listed(await manage(parley, 'GET', `${PATH}?state=dead&taskId=${taskId}`));
    return page.length === 2 && page;
  });
  return { taskId, letters };
}

describe('the management API', () => {
  test('[A11] shows dead letters with their attempts, to their owner and the admin, and to nobody else', async () => {
    const receiver = await startReceiver();
    const { taskId, letters } = await deadLetters(mine.key, receiver);
    const [letter] = letters;
    const path = `${PATH}/${letter?.id}`;
    expect(letter).toMatchObject({
      eventId: `${taskId}.1`,
      ownerId: mine.ownerId,
      agentId: 'echo',
      host: '127.0.0.1',
      state: 'dead',
      reason: 'gone',
      attempts: 1,
      nextAttemptAt: null,
      history: [{ status: 410, error: 'status_4xx' }],
    });
    expect((await manage(parley, 'GET', path, { key: mine.key })).json).toEqual(letter);
    const none = await manage(parley, 'GET', `${PATH}/${randomUUID()}.1`, { key: theirs.key });
    for (const [method, suffix] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/redeliver'],
    ] as const) {
      const answer = await manage(parley, method, `${path}${suffix}`, { key: theirs.key });
      expect([answer.status, answer.text.replaceAll(letter?.id ?? '', 'ID')]).toEqual([
        404,
        none.text.replaceAll(/[\w-]{36}\.1/g, 'ID'),
      ]);
    }
    for (const query of ['', `?ownerId=${encodeURIComponent(mine.ownerId)}`, `?taskId=${taskId}`]) {
      expect(listed(await manage(parley, 'GET', `${PATH}${query}`, { key: theirs.key }))).toEqual([]);
    }
    const all = await manage(parley, 'POST', `${PATH}/redeliver`, { key: theirs.key, body: { taskId } });
    expect(all.json).toEqual({ redelivered: 0 });
  });

  test('[A6] needs scopes, and knows no agents but those of the key', async () => {
    const { taskId, letters } = await deadLetters(mine.key, await startReceiver());
    const { ownerId } = mine;
    const reader = await issueKey(parley, { ownerId, scopes: ['tasks:read'] });
    const writer = await issueKey(parley, { ownerId, scopes: ['tasks:write'] });
    const elsewhere = await issueKey(parley, { ownerId, agents: ['not-echo'] });
    const path = `${PATH}/${letters[0]?.id}`;
    expect((await manage(parley, 'POST', `${path}/redeliver`, { key: reader.key })).status).toBe(403);
    expect((await manage(parley, 'DELETE', path, { key: reader.key })).status).toBe(403);
    expect((await manage(parley, 'GET', path, { key: writer.key })).status).toBe(403);
    expect((await manage(parley, 'GET', path, { key: elsewhere.key })).status).toBe(404);
    expect(listed(await manage(parley, 'GET', `${PATH}?taskId=${taskId}`, { key: elsewhere.key }))).toEqual([]);
    expect((await manage(parley, 'GET', path, { key: 'pk_wrong' })).status).toBe(401);
  });

  test('[A11] revives one, or all, and forgets them; what waits is neither revived nor forgotten', async () => {
    const receiver = await startReceiver();
    const { taskId, letters } = await deadLetters(mine.key, receiver);
    const [first, second] = letters;
    receiver.reactions = [204];
    const before = receiver.received.length;
    const revived = await manage(parley, 'POST', `${PATH}/${first?.id}/redeliver`, { key: mine.key });
    expect([revived.status, at(revived.json, 'id')]).toEqual([200, first?.id]);
    await receiver.until(before + 1);
    expect(receiver.eventIds.at(-1)).toBe(first?.eventId);
    const removed = await manage(parley, 'DELETE', `${PATH}/${second?.id}`, { key: mine.key });
    expect(removed.status).toBe(204);
    await waitFor('nothing to be left', 20_000, async () => {
      return listed(await manage(parley, 'GET', `${PATH}?taskId=${taskId}`)).length === 0;
    });
    const again = await deadLetters(mine.key, receiver);
    receiver.reactions = [204];
    const all = await manage(parley, 'POST', `${PATH}/redeliver`, { key: mine.key, body: { taskId: again.taskId } });
    expect(all.json).toEqual({ redelivered: 2 });
    await receiver.until(before + 1 + 2 + 2);

    receiver.reactions = [503];
    const sent = await send(mine.key, '/reject', { url: receiver.url('/waits') });
    const waits = listed(await manage(parley, 'GET', `${PATH}?taskId=${String(at(sent.json, 'task', 'id'))}`));
    const conflict = await manage(parley, 'DELETE', `${PATH}/${waits[1]?.id}`, { key: mine.key });
    expect([conflict.status, conflict.text.includes('CONFLICT')]).toEqual([409, true]);
    await manage(parley, 'POST', `${PATH}/redeliver`, { body: {} });
  });

  test('[A11] a full outbox refuses what needs it, names the key, counts it; other owners and other messages go on', async () => {
    const receiver = await startReceiver();
    const { key } = await issueKey(parley);
    receiver.reactions = [410];
    const asked = await send(key, '/ask which?', { url: receiver.url() });
    const waiting = String(at(asked.json, 'task', 'id'));
    const series = 'parley_limit_reached_total{limit="push.maxQueuedPerOwner"}';
    const before = (await metricOf(parley, series)) ?? 0;
    let refused = await send(key, 'hello', { url: receiver.url() });
    for (let sends = 0; sends < 40 && refused.status === 200; sends++) {
      refused = await send(key, 'hello', { url: receiver.url() });
    }
    expect([refused.status, at(refused.json, 'error', 'details', 0, 'reason')]).toEqual([429, 'LIMIT_EXCEEDED']);
    expect(refused.text).toContain('push.maxQueuedPerOwner is 30');
    expect(await metricOf(parley, series)).toBe(before + 1);
    const headers = { authorization: `Bearer ${key}`, 'a2a-version': '1.0', 'content-type': 'application/json' };
    const say = (message: object) =>
      request(`${parley.url}/a2a/message:send`, { method: 'POST', headers, body: JSON.stringify({ message }) });
    const base = { role: 'ROLE_USER', parts: [{ text: 'x' }] };
    // A task that has a configuration would add to the outbox; one without does not.
    const followUp = await say({ ...base, messageId: randomUUID(), taskId: waiting });
    expect([followUp.statusCode, await followUp.body.text()]).toEqual([
      429,
      expect.stringContaining('maxQueuedPerOwner'),
    ]);
    const plain = await say({ ...base, messageId: randomUUID() });
    await plain.body.dump();
    expect(plain.statusCode).toBe(200);
    expect((await send(theirs.key, 'hello', { url: receiver.url() })).status).toBe(200);
  });
});

describe('the command line', () => {
  const run = promisify(execFile);
  const parleyCommand = async (args: readonly string[], input = '') => {
    const child = run(process.execPath, [programPath(), ...args], {
      env: parley.environment(),
      cwd: parley.dataDir,
    });
    child.child.stdin?.end(input);
    return child.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  };

  test('[A11] lists, shows, revives and deletes dead letters', async () => {
    const receiver = await startReceiver();
    const { taskId, letters } = await deadLetters(mine.key, receiver);
    const [first, second] = letters;
    const list = await parleyCommand(['push', 'list', '--state', 'dead', '--task', taskId]);
    expect([list.code, list.stdout.includes(first?.id ?? '?'), list.stdout.includes('gone')]).toEqual([0, true, true]);
    const show = await parleyCommand(['push', 'show', first?.id ?? '']);
    expect(show.stdout).toContain('status_4xx');
    receiver.reactions = [204];
    expect((await parleyCommand(['push', 'delete', second?.id ?? ''])).code).toBe(0);
    const all = await parleyCommand(['push', 'redeliver', '--all', '--task', taskId, '--json']);
    expect(JSON.parse(all.stdout)).toEqual({ redelivered: 1 });
    expect((await parleyCommand(['push', 'show', second?.id ?? ''])).code).toBe(1);
    expect((await parleyCommand(['push', 'redeliver'])).stderr).toContain('name a delivery');
  });

  test('[A13] push verify says valid, or the one reason why not', async () => {
    const receiver = await startReceiver();
    await send(mine.key, '/reject', { url: receiver.url('/verify?x=1') });
    const [push] = await receiver.until(2);
    if (push === undefined) throw new Error('no push');
    const headers = Object.entries(push.headers)
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join('\r\n');
    const [headerFile, bodyFile] = [join(parley.dataDir, 'headers.txt'), join(parley.dataDir, 'body.json')];
    writeFileSync(headerFile, headers);
    writeFileSync(bodyFile, push.body);
    const verify = (url: string, ...more: string[]) =>
      parleyCommand(['push', 'verify', '--url', url, '--jwks', `${parley.url}/.well-known/jwks.json`, ...more]);
    const files = ['--headers', headerFile, '--body', bodyFile];
    expect(await verify(receiver.url('/verify?x=1'), ...files)).toMatchObject({ code: 0, stdout: 'valid\n' });
    expect(await verify(receiver.url('/other'), ...files)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^not valid: the signature does not match/),
    });
    const piped = [
      'push',
      'verify',
      '--url',
      receiver.url('/verify?x=1'),
      '--jwks',
      `${parley.url}/.well-known/jwks.json`,
    ];
    const whole = `POST /verify?x=1 HTTP/1.1\r\n${headers}\r\n\r\n${push.body}`;
    expect(await parleyCommand(piped, whole)).toMatchObject({ code: 0, stdout: 'valid\n' });
    expect(await parleyCommand(piped, `${whole} `)).toMatchObject({ code: 1 });
    expect(await verify(receiver.url('/verify?x=1'), '--headers', headerFile)).toMatchObject({ code: 2 });
  });
});

test('[A13] the receiver of docs/push.md takes what is signed and refuses what is not', async () => {
  const root = resolve(import.meta.dirname, '../../..');
  const docs = readFileSync(join(root, 'docs/push.md'), 'utf8');
  const code = /```js receiver\.mjs\n(.*?)```/s.exec(docs)?.[1];
  if (code === undefined) throw new Error('docs/push.md has no receiver');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}/hook`;
  // Below the checkout, where `jose` is found.
  const file = join(root, 'test/integration/push', `receiver-${process.pid}.mjs`);
  writeFileSync(file, code);
  const child: ChildProcess = spawn(process.execPath, [file], {
    env: {
      PATH: process.env['PATH'] ?? '',
      JWKS_URL: `${parley.url}/.well-known/jwks.json`,
      RECEIVER_URL: url,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  child.stderr?.on('data', (chunk) => (output += String(chunk)));
  onTestFinished(async () => {
    child.kill();
    const { rmSync } = await import('node:fs');
    rmSync(file, { force: true });
  });
  await waitFor('the receiver to listen', 20_000, async () => {
    const answer = await request(url, { method: 'POST', body: '{}' }).catch(() => undefined);
    await answer?.body.dump();
    return answer?.statusCode === 401;
  });
  const sent = await send(mine.key, '/reject', { url });
  const taskId = String(at(sent.json, 'task', 'id'));
  await waitFor('both events', 20_000, () => output.includes(`${taskId}.2 {`));
  expect(output).toContain(`${taskId}.1 {`);
});

test('[A12] tokens, credentials and addresses of receivers are nowhere but with the receiver', async () => {
  const server = await startParley({ config: CONFIG, env: { LOG_LEVEL: 'trace' } });
  const { key } = await issueKey(server);
  const receiver = await startReceiver();
  receiver.reactions = [500];
  const secrets = { token: 'token-Zx81', credentials: 'credentials-Qv72', query: 'query-Lk63', path: 'path-Wb54' };
  const config = {
    url: receiver.url(`/${secrets.path}?key=${secrets.query}`),
    token: secrets.token,
    authentication: { scheme: 'Bearer', credentials: secrets.credentials },
  };
  await send(key, 'hello', config, server);
  const [push] = await receiver.until(2);
  expect(push?.headers).toMatchObject({
    authorization: `Bearer ${secrets.credentials}`,
    'x-a2a-notification-token': secrets.token,
  });
  const answers = [
    await manage(server, 'GET', PATH),
    await manage(
      server,
      'GET',
      `${PATH}/${String(at((await manage(server, 'GET', PATH)).json, 'deliveries', 0, 'id'))}`,
    ),
  ].map(({ text }) => text);
  await server.stop();
  const stored = readdirSync(server.dataDir)
    .filter((name) => name.startsWith('parley.sqlite'))
    .map((name) => readFileSync(join(server.dataDir, name), 'latin1'));
  expect(stored.join('')).toContain('enc:v1:');
  for (const text of [...answers, server.output, ...stored]) {
    for (const secret of Object.values(secrets)) expect(text.includes(secret)).toBe(false);
  }
});

test('[A11] an agent of a server with push.enabled: false declares no push notifications and refuses them', async () => {
  const server = await startParley({ config: 'push: { enabled: false }\n' });
  const { key } = await issueKey(server);
  const card = await request(`${server.url}/.well-known/agent-card.json`);
  expect(at(await card.body.json(), 'capabilities', 'pushNotifications')).toBe(false);
  const refused = await send(key, 'hello', { url: 'https://receiver.example/' }, server);
  expect([refused.status, at(refused.json, 'error', 'details', 0, 'reason')]).toEqual([
    400,
    'PUSH_NOTIFICATION_NOT_SUPPORTED',
  ]);
});
