/** The extended card: for authenticated callers, what their key may do, signed, in every version and binding. */
import { createLocalJWKSet, flattenedVerify, type JSONWebKeySet } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { CALLER_EXTENSION } from '../../../src/core/agents/extended-cards.ts';
import { canonicalPayloads } from '../../../src/protocol/card-canonical.ts';
import type { JsonObject } from '../../../src/protocol/json.ts';
import { agentCardSchema } from '../../../src/protocol/v1/card-schemas.ts';
import type { AgentCard } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, http } from './wire.ts';

let parley: ParleyProcess;
let limited: Record<string, string>;
beforeAll(async () => {
  parley = await startParley({ env: { RATE_LIMIT_PER_MINUTE: '5000' } });
  limited = await keyFor({ name: 'only echo', agents: ['echo'], scopes: ['tasks:read'] });
});

async function keyFor(fields: object): Promise<Record<string, string>> {
  const made = await http(`${parley.url}/api/v1/keys`, { method: 'POST', headers: bearer(parley), body: fields });
  return { authorization: `Bearer ${(made.json as { key: string }).key}` };
}

const rpc = (method: string) => ({ jsonrpc: '2.0', id: 1, method });
type Form = readonly [name: string, method: string, path: string, version: '1.0' | '0.3', body: object | undefined];
const FORMS: readonly Form[] = [
  ['REST 1.0', 'GET', '/extendedAgentCard', '1.0', undefined],
  ['JSON-RPC 1.0', 'POST', '', '1.0', rpc('GetExtendedAgentCard')],
  ['REST 0.3', 'GET', '/v1/card', '0.3', undefined],
  ['JSON-RPC 0.3', 'POST', '', '0.3', rpc('agent/getAuthenticatedExtendedCard')],
];

async function extended(form: Form, headers: Record<string, string>, server = parley) {
  const [, method, path, version, body] = form;
  const answer = await http(`${server.url}/a2a/agents/echo${path}`, {
    method,
    headers: { ...headers, 'a2a-version': version },
    ...(body === undefined ? {} : { body }),
  });
  const { result } = (answer.json ?? {}) as { result?: JsonObject };
  return { ...answer, card: result ?? (answer.json as JsonObject) };
}

interface Caller {
  readonly uri: string;
  readonly params: JsonObject;
}
const callerOf = (card: JsonObject) =>
  (card as unknown as { capabilities: { extensions: Caller[] } }).capabilities.extensions.find(
    ({ uri }) => uri === CALLER_EXTENSION,
  )?.params;

describe.each(FORMS.map((form) => [form[0], form] as const))('%s', (_name, form) => {
  test('[A3] needs a key', async () => {
    const { status } = await extended(form, {});
    expect(status).toBe(401);
    expect((await extended(form, { authorization: 'Bearer nobody' })).status).toBe(401);
  });

  test('[A3] [XCARD-2] says what the caller may do, to that caller alone', async () => {
    const mine = await extended(form, limited);
    expect(mine.status).toBe(200);
    expect(mine.headers['cache-control']).toBe('private, max-age=60, must-revalidate');
    expect(mine.headers['vary']).toContain('Authorization');
    expect(callerOf(mine.card)).toEqual({
      principal: { kind: 'key', name: 'only echo' },
      scopes: ['tasks:read'],
      agents: [{ id: 'echo', name: 'Echo', url: `${parley.url}/a2a/agents/echo` }],
      agentCount: 1,
      limits: expect.objectContaining({ 'rateLimit.perMinute': 5000, 'tasks.maxRunningPerOwner': 200 }),
    });
    expect(callerOf((await extended(form, bearer(parley))).card)).toMatchObject({
      principal: { kind: 'admin' },
      scopes: ['tasks:read', 'tasks:write', 'admin'],
    });
  });

  test('[A6] a key without the right to the agent, or to read, gets none', async () => {
    const other = await keyFor({ name: 'other', agents: ['another'] });
    const writer = await keyFor({ name: 'writer', scopes: ['tasks:write'] });
    expect((await extended(form, other)).status).toBe(403);
    expect((await extended(form, writer)).status).toBe(403);
  });

  test('[A17] is signed in the form in which it comes', async () => {
    const { card } = await extended(form, limited);
    const jwks = (await http(`${parley.url}/.well-known/jwks.json`)).json as JSONWebKeySet;
    const holds: string[] = [];
    for (const payload of canonicalPayloads(card)) {
      for (const signature of (card as unknown as AgentCard).signatures ?? []) {
        const jws = { ...signature, payload: Buffer.from(payload).toString('base64url') };
        await flattenedVerify(jws, createLocalJWKSet(jwks)).then(
          () => holds.push(payload),
          () => undefined,
        );
      }
    }
    // In 1.0 in each form; a 0.3 card, which the definition of 1.0 does not know, as it was sent.
    const expected = form[3] === '1.0' ? canonicalPayloads(card) : [canonicalPayloads(card).at(-1)];
    expect(holds).toEqual(expect.arrayContaining([...expected]));
    const schema = form[3] === '1.0' ? agentCardSchema : null;
    expect(schema?.safeParse(card).error).toBeUndefined();
  });
});

test.each([
  ['authentication is off', { AUTH: 'none' }, undefined],
  ['it is switched off', {}, 'cards:\n  extended: false\n'],
])('[A3] where %s, no card declares it, and it is not supported', async (_name, env, config) => {
  const plain = await startParley({ env, ...(config === undefined ? {} : { config }) });
  const { json } = await http(`${plain.url}/.well-known/agent-card.json`);
  expect(json).toMatchObject({ supportsAuthenticatedExtendedCard: false });
  expect((json as { capabilities: object }).capabilities).not.toMatchObject({ extendedAgentCard: true });
  for (const form of FORMS) {
    const { status, text } = await extended(form, bearer(plain), plain);
    expect([form[0], status]).toEqual([form[0], form[1] === 'GET' ? 400 : 200]);
    expect(text).toMatch(/has no extended card/);
  }
});
