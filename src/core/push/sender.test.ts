/** The sender: order, leases, retries, dead letters, fairness, whatever receivers and replicas do. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answering, answered, eventOf, PushBench, realSigner } from '../../../test/support/push-bench.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { PushStore } from './push-store.ts';
import { parseRetryAfter, retryDelayMs } from './retry.ts';
import { pushProblem, signPush } from './signature.ts';
import type { PushRequest } from './transport.ts';

let bench: PushBench;
beforeEach(() => {
  bench = new PushBench();
});
afterEach(() => bench.close());

const ALL = { ownerId: undefined, agentId: undefined, agentIds: undefined, taskId: undefined, state: undefined };
const deliveries = async () => (await bench.push.listDeliveries(ALL, null, 200)).deliveries;
const seqsOf = (requests: readonly PushRequest[]) => requests.map((request) => eventOf(request).seq);

/** Remembers what was asked for. */
function recording(answer: Answering): { readonly answer: Answering; readonly requests: PushRequest[] } {
  const requests: PushRequest[] = [];
  return {
    requests,
    answer: (request) => {
      requests.push(request);
      return answer(request);
    },
  };
}

/** Lets the clock run until the outbox is empty, or nothing but dead letters. */
async function drain(seconds = 3600): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    const { pending } = await bench.push.stats();
    if (pending === 0) return;
    await bench.pass(1000);
  }
  throw new Error(`Not drained in ${seconds} s`);
}

describe('delivery', () => {
  test('[A11] with two senders and receivers of any mood, every event arrives, and none before the one before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ events: fc.integer({ min: 1, max: 6 }), host: fc.integer({ min: 0, max: 2 }) }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.infiniteStream(fc.constantFrom(204, 204, 200, 500, 429, 301, 404, 'lost' as const)),
        async (tasks, moods) => {
          const own = new PushBench();
          try {
            const arrived = new Map<string, number[]>();
            const underWay = new Set<string>();
            const broken: string[] = [];
            const answer: Answering = async (request) => {
              const { taskId, seq } = eventOf(request);
              if (underWay.has(taskId)) broken.push(`two at once of ${taskId}`);
              underWay.add(taskId);
              await new Promise((resolve) => setImmediate(resolve));
              underWay.delete(taskId);
              const mood = moods.next().value ?? 204;
              if (mood === 'lost') return { kind: 'failed', error: 'connection_lost' };
              if (mood < 300) arrived.set(taskId, [...(arrived.get(taskId) ?? []), seq]);
              return answered(mood);
            };
            const senders = [own.sender({ answer, random: Math.random }), own.sender({ answer, random: Math.random })];
            for (const sender of senders) sender.start();
            const expected = new Map<string, number[]>();
            for (const { events, host } of tasks) {
              const { id } = await own.task(`https://host-${host}.example/`, events);
              expected.set(
                id,
                Array.from({ length: events }, (_, index) => index + 1),
              );
              for (const sender of senders) sender.wake();
            }
            for (let second = 0; second < 600 && (await own.push.stats()).pending > 0; second++) await own.pass(1000);
            expect(broken).toEqual([]);
            expect(arrived).toEqual(new Map([...arrived.keys()].map((id) => [id, expected.get(id)])));
            expect(arrived.size).toBe(expected.size);
          } finally {
            await own.close();
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  test('[A11] many attempts at once are no leak to Node', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    try {
      const { answer, requests } = recording(() => new Promise(() => {}));
      for (let host = 1; host <= 20; host++) await bench.task(`https://host-${host}.example/`, 1);
      bench.sender({ answer }).start();
      await waitFor('the attempts', 10_000, () => requests.length === 20);
      await bench.settle(3);
    } finally {
      process.off('warning', warn);
    }
    expect(warnings).toEqual([]);
  });

  test('[A11] retries wait longer and longer, up to the longest delay, then the delivery is dead and the next one goes', async () => {
    const { answer, requests } = recording((request) => answered(eventOf(request).seq === 1 ? 500 : 204));
    const times: number[] = [];
    const dead: string[] = [];
    const sender = bench.sender({
      answer: (request) => {
        times.push(bench.clock.now());
        return answer(request);
      },
      metrics: { deadLettered: (reason) => dead.push(reason) },
      retry: { maxDelayMs: 8000, giveUpAfterMs: 40_000 },
      limits: { pollMs: 100 },
    });
    await bench.task('https://receiver.example/', 2);
    sender.start();
    await drain(120);
    const gaps = times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) / 1000));
    expect(gaps).toEqual([1, 2, 4, 8, 8, 8, 8, 0]);
    expect(seqsOf(requests)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(dead).toEqual(['retries_exhausted']);
    const [letter] = await deliveries();
    expect(letter).toMatchObject({ seq: 1, state: 'dead', reason: 'retries_exhausted', attempts: 8 });
    expect(letter?.history.every(({ status, error }) => status === 500 && error === 'status_5xx')).toBe(true);
  });

  test('[A11] 410 is a dead letter at once; Retry-After is waited for, within bounds', async () => {
    const { answer, requests } = recording((request) => {
      const { seq } = eventOf(request);
      if (seq === 1) return answered(410);
      return requests.filter((other) => eventOf(other).seq === 2).length === 1 ? answered(429, '7') : answered(204);
    });
    await bench.task('https://receiver.example/', 2);
    bench.sender({ answer }).start();
    await bench.pass(6000);
    expect(seqsOf(requests)).toEqual([1, 2]);
    await bench.pass(3000);
    expect(seqsOf(requests)).toEqual([1, 2, 2]);
    expect(await deliveries()).toMatchObject([{ seq: 1, state: 'dead', reason: 'gone' }]);
  });

  test('[A11] a revived dead letter is sent, with a new budget', async () => {
    let isGone = true;
    const { answer, requests } = recording(() => answered(isGone ? 410 : 204));
    const sender = bench.sender({ answer });
    await bench.task('https://receiver.example/', 1);
    sender.start();
    await bench.pass(1000);
    const [letter] = await deliveries();
    isGone = false;
    const [uid = ''] = letter?.id.split('.') ?? [];
    expect(await bench.push.redeliver({ uid, seq: 1 }, undefined)).toBe(true);
    sender.wake();
    await bench.settle();
    expect(requests).toHaveLength(2);
    expect(requests[0]?.headers['parley-event-id']).toBe(requests[1]?.headers['parley-event-id']);
    expect(await deliveries()).toEqual([]);
  });

  test('[A11] a receiver that hangs holds up neither other hosts nor other owners', async () => {
    let hanging = 0;
    const delivered: string[] = [];
    const answer: Answering = (request) => {
      if (!request.url.includes('hangs')) {
        delivered.push(request.url);
        return answered(204);
      }
      hanging++;
      return new Promise((_resolve) => undefined);
    };
    const sender = bench.sender({ answer, limits: { maxConcurrent: 6, maxPerHost: 2, maxPerOwner: 4 } });
    for (let index = 0; index < 30; index++) await bench.task('https://hangs.example/', 1, 'owner-1');
    // Of the same owner, by names of its own making: its bound holds, and others have room.
    for (let index = 0; index < 10; index++) await bench.task(`https://hangs-${index}.example/`, 1, 'owner-1');
    for (let index = 0; index < 20; index++) await bench.task(`https://good-${index}.example/`, 1, 'owner-2');
    sender.start();
    await waitFor('all that can be delivered', 20_000, () => delivered.length === 20 && hanging >= 4);
    await bench.pass(5000);
    expect(hanging).toBe(4);
  });

  test('[A11] who lost the lease has no say any more, and what it sent is sent again', async () => {
    let release: (answer: ReturnType<typeof answered>) => void = () => undefined;
    const lost: number[] = [];
    const paused = bench.sender({
      answer: () =>
        new Promise((resolve) => {
          release = resolve;
        }),
      metrics: { leaseLost: () => lost.push(1) },
      // It has no hands free to take its own lease again.
      limits: { maxConcurrent: 1 },
    });
    await bench.task('https://receiver.example/', 2);
    paused.start();
    await bench.settle();
    const { answer, requests } = recording(() => answered(500));
    // As on PostgreSQL, where another process may begin at any time without ending the leases of this one.
    const other = bench.sender({ answer, store: bound(bench.push, { begin: async () => undefined }) });
    other.start();
    await bench.pass(20_000);
    expect(requests).toEqual([]);
    await bench.pass(6000);
    expect(seqsOf(requests)[0]).toBe(1);
    // The first one comes back with a success that is not its own to tell.
    release(answered(204));
    await bench.settle();
    expect(lost).toEqual([1]);
    expect((await deliveries()).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test('[A11] an outcome that cannot be stored is found out again when the lease is over', async () => {
    const { answer, requests } = recording(() => answered(204));
    let failures = 1;
    const faulty = bound(bench.push, {
      settle: (outcomes) => (failures-- > 0 ? Promise.reject(new Error('disk full')) : bench.push.settle(outcomes)),
    });
    await bench.task('https://receiver.example/', 2);
    bench.sender({ answer, store: faulty }).start();
    await bench.pass(5000);
    expect(seqsOf(requests)).toEqual([1]);
    await bench.pass(30_000);
    expect(seqsOf(requests)).toEqual([1, 1, 2]);
  });

  test('[A12] a secret that does not open is tried again and holds up nobody else', async () => {
    const { answer, requests } = recording(() => answered(204));
    await bench.task('https://broken.example/', 2);
    bench.run(`update push_configs set secret = 'enc:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAA:AAAA'`);
    const good = await bench.task('https://good.example/', 2);
    const results: string[] = [];
    bench.sender({ answer, metrics: { attempted: (result) => results.push(result) } }).start();
    await bench.pass(1000);
    expect(requests.map(({ url }) => url)).toEqual(['https://good.example/', 'https://good.example/']);
    expect(seqsOf(requests)).toEqual([1, 2]);
    expect(eventOf(requests[0] as PushRequest).taskId).toBe(good.id);
    expect(results).toContain('secret_unreadable');
    expect(await deliveries()).toMatchObject([{ seq: 1, history: [{ error: 'secret_unreadable' }] }, { seq: 2 }]);
  });

  test('[A11] a stop lets attempts end, then gives the rest back untried', async () => {
    let release: (answer: ReturnType<typeof answered>) => void = () => undefined;
    const first = bench.sender({
      answer: () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    });
    await bench.task('https://receiver.example/', 2);
    first.start();
    await bench.settle();
    const stopped = first.stop(5000);
    await bench.settle();
    release(answered(204));
    await stopped;
    expect(await deliveries()).toMatchObject([{ seq: 2, attempts: 0 }]);
    const { answer, requests } = recording(() => answered(204));
    bench.sender({ answer }).start();
    await bench.settle();
    expect(seqsOf(requests)).toEqual([2]);
  });
});

/** `store`, with some of its methods replaced. */
function bound(store: PushStore, methods: Partial<PushStore>): PushStore {
  return new Proxy(store, {
    get(target, name: keyof PushStore) {
      const method = methods[name] ?? target[name];
      return method.bind(target);
    },
  });
}

describe('delays', () => {
  test('[A11] are any time up to the exponential one, and as long as the receiver asks within the longest', () => {
    const policy = { initialDelayMs: 100, factor: 2, maxDelayMs: 1000, giveUpAfterMs: 0 };
    expect([1, 2, 3, 4, 5, 50].map((attempts) => retryDelayMs(policy, attempts, 1, null))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
    expect(retryDelayMs(policy, 5, 0.25, null)).toBe(250);
    expect(retryDelayMs(policy, 5, 0, null)).toBe(1);
    expect(retryDelayMs(policy, 1, 0.5, 600)).toBe(600);
    expect(retryDelayMs(policy, 1, 0.5, 3_600_000)).toBe(1000);
    const nowMs = Date.parse('2030-01-01T00:00:00Z');
    expect(parseRetryAfter('120', nowMs)).toBe(120_000);
    expect(parseRetryAfter('Tue, 01 Jan 2030 00:01:00 GMT', nowMs)).toBe(60_000);
    expect(parseRetryAfter('Mon, 01 Jan 2029 00:00:00 GMT', nowMs)).toBe(0);
    expect([parseRetryAfter('soon', nowMs), parseRetryAfter(undefined, nowMs)]).toEqual([null, null]);
  });
});

describe('signatures', () => {
  test('[A13] bind event id, time, address and body; anything else is refused with one reason', async () => {
    const signer = realSigner();
    const nowMs = 1_800_000_000_000;
    const parts = { eventId: 't.1', timestamp: '1800000000', url: 'https://receiver.example/a?b=c', body: '{"a":1}' };
    const signature = await signPush(signer, parts);
    const options = { nowMs, toleranceSeconds: 300 };
    const jwks = signer.publicKeys();
    const problem = (changes: object, keys = jwks) => pushProblem({ ...parts, signature, ...changes }, keys, options);
    expect(await problem({})).toBeNull();
    expect(await problem({ body: Buffer.from('{"a":1}') })).toBeNull();
    for (const changes of [{ eventId: 't.2' }, { timestamp: '1800000001' }, { url: `${parts.url}x` }, { body: '{}' }]) {
      expect(await problem(changes)).toMatch(/does not match/);
    }
    expect(await problem({ timestamp: '1799999000' })).toMatch(/1000 seconds old/);
    expect(await problem({ timestamp: '1800001000' })).toMatch(/from the future/);
    expect(await problem({ timestamp: 'now' })).toMatch(/not a number/);
    for (const name of ['eventId', 'timestamp', 'signature']) {
      expect(await problem({ [name]: undefined })).toMatch(/is missing/);
    }
    expect(await problem({ signature: 'x' })).toMatch(/no? ?t? a detached JWS/);
    expect(await problem({ signature: 'x..y' })).toMatch(/cannot be read/);
    expect(await problem({}, realSigner().publicKeys())).toMatch(/does not match/);
    expect(await problem({}, { keys: [] })).toMatch(/not among/);
    const other = await signer.sign(new TextEncoder().encode('x'), { typ: 'JOSE' });
    expect(await problem({ signature: `${other.protected}..${other.signature}` })).toMatch(/typ/);
  });
});
