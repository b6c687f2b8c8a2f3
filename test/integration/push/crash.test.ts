/** `kill -9` between the write and the send, a stop in the middle, and two servers on one outbox. */
import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { postgresForTests } from '../../support/postgres.ts';
import { startReceiver } from '../../support/receiver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { at, manage } from '../../support/wire-client.ts';

/** On PostgreSQL the lease of an attempt that was under way lasts `timeoutMs` and 15 s more. */
const config = (fields = '') => `
push:
  allowNetworks: ['127.0.0.0/8']
  pollMs: 50
  timeoutMs: 1000
  retry: { initialDelayMs: 50, maxDelayMs: 200 }
  ${fields}
`;

async function send(parley: ParleyProcess, text: string, url: string): Promise<string> {
  const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] };
  const configuration = { returnImmediately: true, taskPushNotificationConfig: { url } };
  const response = await request(`${parley.url}/a2a/message:send`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${parley.adminKey}`,
      'a2a-version': '1.0',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ message, configuration }),
  });
  const json: unknown = await response.body.json();
  const id = at(json, 'task', 'id');
  if (typeof id !== 'string') throw new Error(JSON.stringify(json));
  return id;
}

async function pendingOf(parley: ParleyProcess): Promise<number> {
  const page = await manage(parley, 'GET', '/api/v1/push/deliveries?pageSize=200');
  const list = at(page.json, 'deliveries');
  return Array.isArray(list) ? list.length : -1;
}

/** The events of each task in the order of their first arrival. */
function firstArrivals(eventIds: readonly string[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>();
  for (const id of new Set(eventIds)) {
    const [task = '', seq = ''] = id.split('.');
    seqs.set(task, [...(seqs.get(task) ?? []), Number(seq)]);
  }
  return seqs;
}

const postgres = await postgresForTests();
const databases = [
  { name: 'SQLite', skipped: undefined },
  { name: 'PostgreSQL', skipped: 'skipped' in postgres ? postgres.skipped : undefined },
];

async function databaseUrl(name: string): Promise<{ readonly databaseUrl?: string }> {
  if (name === 'SQLite' || 'skipped' in postgres) return {};
  const database = await postgres.createDatabase();
  onTestFinished(() => database.drop());
  return { databaseUrl: database.url };
}

for (const { name, skipped } of databases) {
  describe.skipIf(skipped !== undefined)(`on ${name}`, () => {
    test('[A11] [PUSH-7] kill -9 between write and send loses no delivery, and keeps their order', async () => {
      // Nothing answers at first: what is written stays unsent.
      const receiver = await startReceiver();
      receiver.reactions = [500];
      const parley = await startParley({ ...(await databaseUrl(name)), config: config() });
      const ids: string[] = [];
      for (let index = 0; index < 5; index++) ids.push(await send(parley, 'hello', receiver.url()));
      await receiver.until(3);
      await parley.kill9();
      const before = receiver.received.length;
      receiver.reactions = [204];
      await parley.start();
      await waitFor('the outbox to be empty', 40_000, async () => (await pendingOf(parley)) === 0);
      const delivered = receiver.eventIds.slice(before);
      expect(firstArrivals(delivered)).toEqual(new Map(ids.map((id) => [id, [1, 2, 3, 4]])));
    }, 90_000);

    test('[A11] kill -9 while an attempt is under way sends it again, with the same event id', async () => {
      const receiver = await startReceiver();
      const arrived = { count: 0 };
      receiver.reactions = [
        () => {
          arrived.count++;
        },
        204,
      ];
      const parley = await startParley({ ...(await databaseUrl(name)), config: config('maxConcurrent: 4') });
      const id = await send(parley, 'hello', receiver.url());
      await receiver.until(1);
      await parley.kill9();
      await parley.start();
      await waitFor('the outbox to be empty', 40_000, async () => (await pendingOf(parley)) === 0);
      expect(arrived.count).toBe(1);
      expect(receiver.eventIds).toEqual([1, 1, 2, 3, 4].map((seq) => `${id}.${seq}`));
    }, 90_000);

    test('[A11] an orderly stop gives back what it has not sent: the next start goes on at once', async () => {
      const receiver = await startReceiver();
      const held: { answer: (() => void) | null } = { answer: null };
      receiver.reactions = [
        (_request, response) => {
          held.answer = () => response.writeHead(204).end();
        },
        204,
      ];
      const parley = await startParley({
        ...(await databaseUrl(name)),
        config: `${config('connectTimeoutMs: 900')}server: { drainMs: 300 }\n`.replace(
          'timeoutMs: 1000',
          'timeoutMs: 60000',
        ),
      });
      const id = await send(parley, 'hello', receiver.url());
      await receiver.until(1);
      expect((await parley.stop()).code).toBe(0);
      await parley.start();
      // Long before the lease of the first attempt would be over.
      await receiver.until(5, 15_000);
      expect(receiver.eventIds).toEqual([1, 1, 2, 3, 4].map((seq) => `${id}.${seq}`));
    }, 60_000);
  });
}

describe.skipIf('skipped' in postgres)('two servers on one PostgreSQL', () => {
  test('[A11] each delivery is sent by one of them, in order; when one dies the other sends the rest', async () => {
    const receiver = await startReceiver();
    const { databaseUrl: url } = await databaseUrl('PostgreSQL');
    if (url === undefined) throw new Error('no database');
    const env = { ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const start = () => startParley({ databaseUrl: url, config: config(), env });
    const [one, two] = [await start(), await start()];
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, index) => send(index % 2 === 0 ? one : two, 'hello', receiver.url())),
    );
    await waitFor('the outbox to be empty', 30_000, async () => (await pendingOf(one)) === 0);
    const once = receiver.eventIds.slice();
    expect(once.length).toBe(80);
    expect(firstArrivals(once)).toEqual(new Map([...firstArrivals(once).keys()].map((id) => [id, [1, 2, 3, 4]])));
    expect([...firstArrivals(once).keys()].sort()).toEqual([...ids].sort());

    receiver.reactions = [503];
    const more = await Promise.all(
      Array.from({ length: 10 }, (_, index) => send(index % 2 === 0 ? one : two, 'hello', receiver.url())),
    );
    await receiver.until(once.length + 5);
    await one.kill9();
    const before = receiver.received.length;
    receiver.reactions = [204];
    await waitFor('the outbox to be empty', 40_000, async () => (await pendingOf(two)) === 0);
    const rest = firstArrivals(receiver.eventIds.slice(before));
    for (const id of more) expect(rest.get(id)).toEqual([1, 2, 3, 4]);
  }, 120_000);
});
