/** The agent card: public, cacheable, true in all that it says, and readable by clients of both versions. */
import { beforeAll, describe, expect, test } from 'vitest';
import { agentCardSchema } from '../../../src/protocol/v1/card-schemas.ts';
import type { AgentCard } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { ALL_WIRES, call, http, textMessage } from './wire.ts';

const CARDS = [
  '/.well-known/agent-card.json',
  '/a2a/.well-known/agent-card.json',
  '/a2a/agents/echo/.well-known/agent-card.json',
];

interface OldCard {
  readonly url: string;
  readonly protocolVersion: string;
  readonly preferredTransport: string;
  readonly additionalInterfaces: readonly { url: string; transport: string }[];
  readonly security: readonly Record<string, string[]>[];
  readonly securitySchemes: Record<string, { type: string; in?: string; name?: string; scheme?: string }>;
  readonly supportsAuthenticatedExtendedCard: boolean;
}

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley({ env: { ALLOWED_HOSTS: 'localhost,127.0.0.1,agents.example' } });
});

describe.each(CARDS)('%s', (path) => {
  test('[A1] [CARD-1, CARD-3] answers 200 without authentication, to any page, with its validators', async () => {
    const { status, headers, json } = await http(`${parley.url}${path}`);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['etag']).toMatch(/^"[\w-]+"$/);
    expect(new Date(String(headers['last-modified'])).toUTCString()).toBe(headers['last-modified']);
    expect(headers['cache-control']).toBe('public, max-age=60, must-revalidate');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(json).toMatchObject({ name: 'Echo' });
  });

  test('[A1] answers 200 to a credential that is not valid, too: it is public', async () => {
    const { status } = await http(`${parley.url}${path}`, { headers: { authorization: 'Bearer nobody' } });
    expect(status).toBe(200);
  });

  test('[A1] HEAD has the headers of GET and no body', async () => {
    const got = await http(`${parley.url}${path}`);
    const head = await http(`${parley.url}${path}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    for (const name of ['etag', 'last-modified', 'cache-control', 'content-type', 'content-length']) {
      expect([name, head.headers[name]]).toEqual([name, got.headers[name]]);
    }
  });

  test('[A1] answers 304 to its ETag and its date, and 200 to any other', async () => {
    const url = `${parley.url}${path}`;
    const { etag, 'last-modified': changed } = (await http(url)).headers as Record<string, string>;
    const statusOf = async (headers: Record<string, string>) => (await http(url, { headers })).status;
    const later = new Date(Date.parse(changed ?? '') + 60_000).toUTCString();
    const earlier = new Date(Date.parse(changed ?? '') - 60_000).toUTCString();
    for (const tag of [`${etag}`, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect([tag, await statusOf({ 'if-none-match': tag })]).toEqual([tag, 304]);
    }
    for (const date of [String(changed), later]) expect(await statusOf({ 'if-modified-since': date })).toBe(304);
    expect(await statusOf({ 'if-none-match': '"other"' })).toBe(200);
    expect(await statusOf({ 'if-modified-since': earlier })).toBe(200);
    expect(await statusOf({ 'if-modified-since': 'yesterday' })).toBe(200);
    // RFC 9110: with a tag, the date does not count.
    expect(await statusOf({ 'if-none-match': '"other"', 'if-modified-since': later })).toBe(200);
  });

  test('[A1] a 304 has no body and the validators again', async () => {
    const url = `${parley.url}${path}`;
    const { etag } = (await http(url)).headers as Record<string, string>;
    const fresh = await http(url, { headers: { 'if-none-match': String(etag) } });
    expect(fresh).toMatchObject({ status: 304, text: '' });
    expect(fresh.headers).toMatchObject({ etag, 'cache-control': expect.any(String) });
  });

  test('[A1] is a valid 1.0 card that says how to call the agent', async () => {
    const card = agentCardSchema.parse((await http(`${parley.url}${path}`)).json);
    expect(card.capabilities).toMatchObject({ streaming: true, pushNotifications: true, extendedAgentCard: true });
    expect(
      card.supportedInterfaces.map(({ protocolBinding, protocolVersion }) => [protocolBinding, protocolVersion]),
    ).toEqual([
      ['JSONRPC', '1.0'],
      ['HTTP+JSON', '1.0'],
      ['JSONRPC', '0.3'],
      ['HTTP+JSON', '0.3'],
      ['GRPC', '1.0'],
      ['GRPC', '0.3'],
    ]);
    expect(card.securityRequirements).toEqual([
      { schemes: { bearer: { list: [] } } },
      { schemes: { apiKey: { list: [] } } },
    ]);
    expect(card.skills.map(({ id }) => id)).toEqual(['echo', 'stream', 'ask', 'sleep', 'fail', 'reject', 'file']);
  });

  test('[A1] has what a 0.3 client reads', async () => {
    const card = (await http(`${parley.url}${path}`)).json as OldCard;
    const address = path.includes('/agents/') ? '/a2a/agents/echo' : '/a2a';
    expect(card).toMatchObject({
      protocolVersion: '0.3.0',
      url: `${parley.url}${address}`,
      preferredTransport: 'JSONRPC',
      supportsAuthenticatedExtendedCard: true,
      security: [{ bearer: [] }, { apiKey: [] }],
      securitySchemes: {
        bearer: { type: 'http', scheme: 'Bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
    });
    expect(card.additionalInterfaces.map(({ transport }) => transport).toSorted()).toEqual([
      'GRPC',
      'HTTP+JSON',
      'JSONRPC',
    ]);
  });

  test('[A1, A2] [CARD-2] every interface that it declares answers', async () => {
    const card = (await http(`${parley.url}${path}`)).json as AgentCard;
    for (const { url, protocolBinding, protocolVersion } of card.supportedInterfaces) {
      const wire = ALL_WIRES.find(({ binding, version }) => binding === protocolBinding && version === protocolVersion);
      if (wire === undefined) throw new Error(`No wire for ${protocolBinding} ${protocolVersion}`);
      const isGrpc = protocolBinding === 'GRPC';
      const address = isGrpc ? '' : new URL(url).pathname;
      expect(url).toBe(isGrpc ? `127.0.0.1:${parley.ports.grpcPort}` : `${parley.url}${address}`);
      const { result } = await call(parley, wire, 'SendMessage', { message: textMessage('hello') }, { address });
      expect(result).toMatchObject({ task: { status: { state: 'TASK_STATE_COMPLETED' } } });
    }
  });

  test('[A1] each security scheme that it declares opens the door', async () => {
    const url = `${parley.url}${path.includes('/agents/') ? '/a2a/agents/echo' : '/a2a'}/tasks`;
    for (const credential of [{ authorization: `Bearer ${parley.adminKey}` }, { 'x-api-key': parley.adminKey }]) {
      expect((await http(url, { headers: { 'a2a-version': '1.0', ...credential } })).status).toBe(200);
    }
    expect((await http(url, { headers: { 'a2a-version': '1.0' } })).status).toBe(401);
  });
});

test('[A1] the addresses in a card never come from the Host header', async () => {
  for (const path of CARDS) {
    const usual = await http(`${parley.url}${path}`);
    for (const host of ['agents.example', 'agents.example:9999', `localhost:${parley.ports.port}`]) {
      const headers = { host, 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
      const asked = await http(`${parley.url}${path}`, { headers });
      expect(asked.status).toBe(200);
      expect(asked.text).toBe(usual.text);
    }
  }
});

test('[A1] the addresses in a card come from server.publicUrl', async () => {
  const other = await startParley({ env: { PUBLIC_URL: 'https://agents.example/base/' } });
  const { json } = await http(`${other.url}/a2a/agents/echo/.well-known/agent-card.json`);
  const { supportedInterfaces, url } = json as AgentCard & OldCard;
  expect(new Set([url, ...supportedInterfaces.map((entry) => entry.url)])).toEqual(
    new Set(['https://agents.example/base/a2a/agents/echo', `agents.example:${other.ports.grpcPort}`]),
  );
  const named = await startParley({ env: { GRPC_PUBLIC_ADDRESS: 'grpc.example:443' } });
  const without = await startParley({ env: { GRPC_ENABLED: 'false' } });
  const grpcUrls = async (from: ParleyProcess) => {
    const card = (await http(`${from.url}/.well-known/agent-card.json`)).json as AgentCard;
    return card.supportedInterfaces.flatMap((entry) => (entry.protocolBinding === 'GRPC' ? [entry.url] : []));
  };
  expect(await grpcUrls(named)).toEqual(['grpc.example:443', 'grpc.example:443']);
  expect(await grpcUrls(without)).toEqual([]);
});

test('[A1] the ETag is that of the content: another agent address has another, a restart has the same', async () => {
  const tags = async () => Promise.all(CARDS.map(async (path) => (await http(`${parley.url}${path}`)).headers['etag']));
  const before = await tags();
  expect(before[0]).toBe(before[1]);
  expect(before[2]).not.toBe(before[0]);
  await parley.restart();
  expect(await tags()).toEqual(before);
});

test('[A1, A2] the card of an agent that is not there is 404', async () => {
  for (const id of ['nope', 'Echo', 'echo2', 'constructor', '__proto__', '%65cho2', 'a'.repeat(400)]) {
    const { status, json } = await http(`${parley.url}/a2a/agents/${id}/.well-known/agent-card.json`);
    expect([id, status, json]).toMatchObject([id, 404, { error: { code: 404, status: 'NOT_FOUND' } }]);
  }
});
