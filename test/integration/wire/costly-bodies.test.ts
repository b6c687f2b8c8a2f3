/** Bodies made to be costly: refused before they are parsed, with the limit named and counted, while others are served. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, http } from './wire.ts';

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley();
});

const MIB = 1024 * 1024;
const data = (json: string): string => `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${json}}]}}`;
const rpc = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":${params}}`;

const deep = `${'['.repeat(3 * MIB)}${']'.repeat(3 * MIB)}`;
const wide = `[${'[],'.repeat(2 * MIB)}[]]`;
const keyed = `{${Array.from({ length: 500_000 }, (_none, index) => `"${index.toString(36)}":1`).join(',')}}`;

const surfaces: [surface: string, path: string, body: (json: string) => string][] = [
  ['1.0 JSON-RPC', '/a2a', (json) => rpc(data(json))],
  ['1.0 REST', '/a2a/message:send', data],
  ['the keys API', '/api/v1/keys', (json) => `{"name":"a","x":${json}}`],
];

async function post(path: string, body: string) {
  return http(`${parley.url}${path}`, {
    headers: { ...bearer(parley), 'a2a-version': '1.0' },
    body: Buffer.from(body),
  });
}

async function limitsReached(key: string): Promise<number> {
  const { text } = await http(`${parley.metricsUrl}/metrics`);
  return Number(new RegExp(`parley_limit_reached_total\\{limit="${key}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
}

describe.each(surfaces)('%s', (_surface, path, body) => {
  test.each([
    ['deep', deep, 400, 'server.maxJsonDepth'],
    ['wide', wide, 413, 'server.maxJsonValues'],
    ['full of keys', keyed, 413, 'server.maxJsonValues'],
  ])('[A5] a body that is too %s is refused with the limit, and counted', async (_kind, json, status, limit) => {
    const before = await limitsReached(limit);
    const answer = await post(path, body(json));
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(limit);
    expect(await limitsReached(limit)).toBe(before + 1);
  });
});

test('[A5] values up to the limit are taken', async () => {
  const json = `[${'1,'.repeat(200_000)}1]`;
  const { status } = await post('/a2a/message:send', data(json));
  expect(status).toBe(200);
});

test('[A5] the limits are configured', async () => {
  const strict = await startParley({ config: 'server:\n  maxJsonDepth: 32\n  maxJsonValues: 1000\n' });
  const send = async (json: string) =>
    http(`${strict.url}/a2a/message:send`, {
      headers: { ...bearer(strict), 'a2a-version': '1.0', 'content-type': 'application/json' },
      body: data(json),
    });
  expect((await send(`${'['.repeat(20)}${']'.repeat(20)}`)).status).toBe(200);
  expect((await send(`${'['.repeat(40)}${']'.repeat(40)}`)).text).toContain('server.maxJsonDepth allows (32 levels)');
  expect((await send(`[${'1,'.repeat(1000)}1]`)).text).toContain('server.maxJsonValues allows (1000)');
});
