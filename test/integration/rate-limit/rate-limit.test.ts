/** Rate limits as clients meet them: headers, refusals in the form of each binding, who is affected and who is not. */
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import {
  ALL_FORMS,
  type Answer,
  ask,
  at,
  type Caller,
  callerOf,
  errorOf,
  issueKey,
  JSON_RPC,
  manage,
  metricOf,
  REST,
  resultOf,
  wireRequest,
} from '../../support/wire-client.ts';

const PER_MINUTE = 8;

/** limit, remaining and reset, as numbers. */
function limitsOf({ headers }: Pick<Answer, 'headers'>): number[] {
  return ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) => Number(headers[name]));
}

describe('RATE_LIMIT_PER_MINUTE', () => {
  let parley: ParleyProcess;
  let keys: string[];
  beforeAll(async () => {
    parley = await startParley({ env: { RATE_LIMIT_PER_MINUTE: String(PER_MINUTE) } });
    // As many as the admin may make within a minute.
    keys = [];
    for (let index = 0; index < PER_MINUTE; index++) keys.push((await issueKey(parley)).key);
  });
  afterAll(() => parley?.destroy());

  const nextCaller = (): Caller => callerOf(parley, keys.pop());

  test.each(ALL_FORMS)(
    '[A8] [SEC-5] by $binding $version request N+1 is refused, in the form of the binding',
    async (form) => {
      const caller = nextCaller();
      for (let index = 1; index <= PER_MINUTE; index++) {
        const answer = await ask(caller, 'SendMessage', form);
        expect(answer.status).toBe(200);
        const [limit, remaining, reset] = limitsOf(answer);
        expect([limit, remaining]).toEqual([PER_MINUTE, PER_MINUTE - index]);
        expect(reset).toBeGreaterThan(50);
        expect(reset).toBeLessThanOrEqual(60);
        expect(answer.headers['retry-after']).toBeUndefined();
      }
      const answer = await ask(caller, 'SendMessage', form);
      const retryAfter = Number(answer.headers['retry-after']);
      expect(retryAfter).toBeGreaterThan(50);
      expect(limitsOf(answer)).toEqual([PER_MINUTE, 0, retryAfter]);
      const expected = {
        REST: { status: 429, code: form.version === '1.0' ? 429 : -32000 },
        'JSON-RPC': { status: 429, code: -32000 },
        gRPC: { status: 8, code: 8 },
      }[form.binding];
      expect(errorOf(answer)).toEqual({
        ...expected,
        reason: 'RATE_LIMITED',
        message: `Too many requests: ${PER_MINUTE} a minute are allowed`,
      });
      expect(answer.text).toMatch(new RegExp(`"retryDelay":"${retryAfter}s"|"retryAfterSeconds":${retryAfter}`));
      // The body of a refused request is not read, so that the id of a JSON-RPC request is not known.
      expect(at(answer.json, 'id')).toBe(form.binding === 'JSON-RPC' ? null : undefined);
      // Refused means that nothing was made; and reading is another route than sending.
      const list = await ask(caller, 'ListTasks', REST);
      expect(limitsOf(list).slice(0, 2)).toEqual([PER_MINUTE, PER_MINUTE - 1]);
      expect(at(resultOf(list), 'totalSize')).toBe(PER_MINUTE);
    },
  );

  test('[A8] one caller at its limit changes nothing for another, not even for a second key of the same owner', async () => {
    const [exhausted, other] = [nextCaller(), nextCaller()];
    for (let index = 0; index < PER_MINUTE; index++) await ask(exhausted, 'SendMessage', JSON_RPC);
    expect((await ask(exhausted, 'SendMessage', JSON_RPC)).status).toBe(429);
    expect(limitsOf(await ask(other, 'SendMessage', JSON_RPC)).slice(0, 2)).toEqual([PER_MINUTE, PER_MINUTE - 1]);
    // Streams say it too.
    const { path, body } = wireRequest('SendStreamingMessage', REST);
    const headers = { ...other.headers, 'a2a-version': '1.0' };
    const stream = await openSse(`${other.address}${path}`, { headers, body: body ?? {} });
    expect(limitsOf(stream).slice(0, 2)).toEqual([PER_MINUTE, PER_MINUTE - 1]);
    await stream.collect();
  });

  test('[A8] the management API is limited as well, refusals are counted, and what is public is not limited', async () => {
    // The admin made as many keys as it may.
    const refused = await manage(parley, 'POST', '/api/v1/keys', { body: { name: 'one too many' } });
    expect(errorOf(refused)).toMatchObject({ status: 429, code: 429, reason: 'RATE_LIMITED' });
    expect(await metricOf(parley, 'parley_rate_limited_total{endpoint="requests"}')).toBeGreaterThanOrEqual(6);
    for (let index = 0; index < 3 * PER_MINUTE; index++) {
      for (const path of ['/.well-known/agent-card.json', '/healthz']) {
        const { statusCode, body } = await request(`${parley.url}${path}`);
        await body.dump();
        expect(statusCode).toBe(200);
      }
    }
  });
});

test('[A8] without a configured limit no RateLimit headers are sent', async () => {
  const parley = await startParley();
  const answer = await ask(callerOf(parley, parley.adminKey), 'ListTasks', REST);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  await parley.destroy();
});

test('[A8] as many callers are counted as configured; the metric says how many made room for others', async () => {
  const parley = await startParley({ config: 'rateLimit: { perMinute: 100000, maxBuckets: 100 }\n' });
  for (let index = 0; index < 130; index++) {
    const { key } = await issueKey(parley);
    expect((await ask(callerOf(parley, key), 'ListTasks', REST)).status).toBe(200);
  }
  // 130 keys and the admin, in 100 buckets; the admin's may have gone and come again.
  const evicted = await metricOf(parley, 'parley_rate_limit_buckets_evicted_total');
  expect(evicted).toBeGreaterThanOrEqual(31);
  expect(evicted).toBeLessThanOrEqual(33);
  await parley.destroy();
});

describe('failed authentications', () => {
  const LIMIT = 5;
  /** Another address of this machine, for the other clients. */
  const elsewhere = new Agent({ localAddress: '127.0.0.2' });
  let parley: ParleyProcess;
  let key: string;
  let unseenKey: string;
  beforeAll(async () => {
    parley = await startParley({ config: `rateLimit: { failedAuthPerMinute: ${LIMIT} }\n` });
    ({ key } = await issueKey(parley));
    ({ key: unseenKey } = await issueKey(parley));
  });
  afterAll(async () => {
    await elsewhere.close();
    await parley?.destroy();
  });

  test('[A8] are limited per address: then every attempt from there waits, and other addresses do not', async () => {
    const good = callerOf(parley, key);
    const bad = callerOf(parley, `pk_${'x'.repeat(43)}`);
    // Successes do not count.
    for (let index = 0; index < 3 * LIMIT; index++) expect((await ask(good, 'ListTasks', REST)).status).toBe(200);
    const attempts = [bad, callerOf(parley, undefined), callerOf(parley, 'wrong'), bad, bad];
    for (const attempt of attempts) {
      expect(errorOf(await ask(attempt, 'ListTasks', REST))).toMatchObject({ status: 401, reason: 'UNAUTHENTICATED' });
    }
    for (const form of ALL_FORMS) {
      const answer = await ask(bad, 'SendMessage', form);
      const status = form.binding === 'gRPC' ? 8 : 429;
      expect(errorOf(answer)).toMatchObject({ status, reason: 'RATE_LIMITED' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50);
    }
    // A key that is in use goes on: nobody is shut out by others behind the same address.
    expect((await ask(good, 'ListTasks', REST)).status).toBe(200);
    // A right one that was not seen yet does not: whoever guesses must not learn that a guess was right.
    expect((await ask(callerOf(parley, unseenKey), 'ListTasks', REST)).status).toBe(429);
    const guess = await manage(parley, 'POST', '/v1/admin/token', { body: { api_key: parley.adminKey } });
    expect(errorOf(guess)).toMatchObject({ status: 429, reason: 'RATE_LIMITED' });
    expect((await ask({ ...good, dispatcher: elsewhere }, 'ListTasks', REST)).status).toBe(200);
    expect((await ask({ ...bad, dispatcher: elsewhere }, 'ListTasks', REST)).status).toBe(401);
    // Reading what is public is no attempt.
    const { statusCode, body } = await request(`${parley.url}/.well-known/agent-card.json`);
    await body.dump();
    expect(statusCode).toBe(200);
    expect(await metricOf(parley, 'parley_rate_limited_total{endpoint="failed-authentications"}')).toBe(8);
  });

  test('[A8] guesses of the admin key at the token endpoint count as well', async () => {
    const third = new Agent({ localAddress: '127.0.0.3' });
    const guess = async (): Promise<number> => {
      const { statusCode, body } = await request(`${parley.url}/v1/admin/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ api_key: 'guessed-admin-key-0123456789' }),
        dispatcher: third,
      });
      await body.dump();
      return statusCode;
    };
    const statuses = [];
    for (let index = 0; index <= LIMIT; index++) statuses.push(await guess());
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    await third.close();
  });
});
