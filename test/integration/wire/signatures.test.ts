/** Cards are signed: each signature holds for the verifiers that read the card its way, and stays the same everywhere. */
import { createPublicKey, verify } from 'node:crypto';
import { verifyAgentCardSignature } from '@a2a-js/sdk';
import type { JSONWebKeySet, JWK } from 'jose';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { AgentCard } from '../../../src/protocol/v1/types.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { runParley } from '../../support/program.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { http } from './wire.ts';

const postgres = await postgresForTests();
const CARD = '/a2a/agents/echo/.well-known/agent-card.json';

let parley: ParleyProcess;
beforeAll(async () => {
  parley = await startParley();
});

const cardOf = async (server: ParleyProcess) => (await http(`${server.url}${CARD}`)).json as AgentCard;

/** Made for the test, by RFC 8785 and RFC 7515 alone: nothing of what signs is used. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${sorted(field)}`).join(',')}}`;
}

async function keyOf(header: { kid: string; jku: string }): Promise<JWK> {
  const { keys } = (await http(header.jku)).json as JSONWebKeySet;
  const jwk = keys.find(({ kid }) => kid === header.kid);
  if (jwk === undefined) throw new Error(`No key ${header.kid}`);
  return jwk;
}

async function holdsFor(card: AgentCard, payload: string): Promise<boolean[]> {
  return Promise.all(
    (card.signatures ?? []).map(async ({ protected: head, signature }) => {
      const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string; jku: string };
      const key = createPublicKey({ key: { ...(await keyOf(header)) }, format: 'jwk' });
      const input = `${head}.${Buffer.from(payload).toString('base64url')}`;
      return verify(
        'sha256',
        Buffer.from(input),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
    }),
  );
}

describe('[A17] signatures of a served card', () => {
  test('[SIGN-2] have the header that the specification asks for', async () => {
    const card = await cardOf(parley);
    expect(card.signatures?.length).toBeGreaterThan(0);
    for (const { protected: header } of card.signatures ?? []) {
      expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
        alg: 'ES256',
        kid: expect.stringMatching(/^[\w-]{43}$/),
        typ: 'JOSE',
        jku: `${parley.url}/.well-known/jwks.json`,
      });
    }
  });

  // It takes the JSON as it came. Of a card that it has decoded itself it canonicalizes no security schemes, and a
  // signature that does not cover those is none that we give.
  test('hold for the official SDK, which reads the card into the 1.0 definition; a changed card does not', async () => {
    const verifyBySdk = verifyAgentCardSignature(async (kid, jku) => keyOf({ kid, jku: jku ?? '' }));
    vi.spyOn(console, 'debug').mockImplementation(() => {});
    const card = await cardOf(parley);
    await expect(verifyBySdk(card as never)).resolves.toBeUndefined();
    for (const changed of [
      { ...card, description: `${card.description}!` },
      { ...card, securitySchemes: {} },
      { ...card, supportedInterfaces: [] },
    ]) {
      await expect(verifyBySdk(changed as never)).rejects.toThrow('No valid signatures');
    }
  });

  test('hold for a verifier that knows no definition and takes the JSON as it came', async () => {
    const card = await cardOf(parley);
    const { signatures: _gone, ...rest } = card;
    expect((await holdsFor(card, sorted(rest))).filter(Boolean)).toHaveLength(1);
    expect(await holdsFor(card, sorted({ ...rest, name: 'Other' }))).not.toContain(true);
  });

  test('hold for a verifier that follows the specification to the letter', async () => {
    const card = await cardOf(parley);
    const { name, description, supportedInterfaces, version, capabilities, skills } = card;
    const { defaultInputModes, defaultOutputModes, documentationUrl, provider } = card;
    // As the public card of the echo agent has them: 1.0 fields only, without empty lists that are not required.
    const specified = {
      name,
      description,
      supportedInterfaces,
      version,
      capabilities,
      skills,
      defaultInputModes,
      defaultOutputModes,
      ...(documentationUrl === undefined ? {} : { documentationUrl }),
      ...(provider === undefined ? {} : { provider }),
      securitySchemes: {
        bearer: { httpAuthSecurityScheme: { scheme: 'Bearer', description: 'An API key of this server' } },
        apiKey: { apiKeySecurityScheme: { location: 'header', name: 'x-api-key' } },
      },
      securityRequirements: [{ schemes: { bearer: {} } }, { schemes: { apiKey: {} } }],
    };
    expect((await holdsFor(card, sorted(specified))).filter(Boolean)).toHaveLength(1);
  });

  test('are the same after a restart and a kill -9', async () => {
    const before = await http(`${parley.url}${CARD}`);
    await parley.restart();
    await parley.kill9();
    await parley.start();
    const after = await http(`${parley.url}${CARD}`);
    expect([after.text, after.headers['etag']]).toEqual([before.text, before.headers['etag']]);
  });
});

test('[A1, A17] a rotation gives the card another signature, ETag and date; the old one holds until it is retired', async () => {
  const before = await http(`${parley.url}${CARD}`);
  const cli = (...args: string[]) => runParley(args, { cwd: parley.dataDir, env: parley.environment() });
  const { stdout } = await cli('signing-keys', 'rotate', '--now', '--json');
  const { kid } = JSON.parse(stdout) as { kid: string };
  const after = await http(`${parley.url}${CARD}`);
  expect(after.headers['etag']).not.toBe(before.headers['etag']);
  const stale = await http(`${parley.url}${CARD}`, { headers: { 'if-none-match': String(before.headers['etag']) } });
  expect(stale.status).toBe(200);
  const card = after.json as AgentCard;
  const header = Buffer.from(card.signatures?.[0]?.protected ?? '', 'base64url').toString();
  expect(JSON.parse(header)).toMatchObject({ kid });
  const { signatures: _gone, ...rest } = before.json as AgentCard;
  expect(await holdsFor(before.json as AgentCard, sorted(rest))).toContain(true);
});

test('[A17] cards.sign: false serves cards without signatures', async () => {
  const plain = await startParley({ config: 'cards:\n  sign: false\n' });
  expect(await cardOf(plain)).not.toHaveProperty('signatures');
});

test('[A12, A17] a signing key that was tampered with takes nothing down: the card comes unsigned, and the log says why', async () => {
  const broken = await startParley();
  await broken.stop();
  const { openConnection } = await import('../../../src/storage/sqlite/driver.ts');
  const database = openConnection(`${broken.dataDir}/parley.sqlite`, { timeoutMs: 5000 });
  database.exec("update signing_keys set private_key = replace(private_key, substr(private_key, 60, 4), 'AAAA')");
  database.exec('delete from card_signatures');
  database.close();
  await broken.start();
  const { status, json } = await http(`${broken.url}${CARD}`);
  expect([status, json]).toEqual([200, expect.not.objectContaining({ signatures: expect.anything() })]);
  expect(broken.output).toContain('DECRYPTION_FAILED');
});

describe.skipIf('skipped' in postgres)('on PostgreSQL', () => {
  test('[A1, A17] two replicas serve the same bytes', async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const database = await postgres.createDatabase();
    const env = {
      PUBLIC_URL: 'https://agents.example',
      GRPC_PUBLIC_ADDRESS: 'agents.example:443',
      ENCRYPTION_KEY: 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=',
    };
    const replicas = await Promise.all([1, 2].map(() => startParley({ databaseUrl: database.url, env })));
    const [a, b] = await Promise.all(replicas.map((replica) => http(`${replica.url}${CARD}`)));
    expect(a?.json).toMatchObject({ signatures: [{}, {}, {}] });
    expect(b?.text).toBe(a?.text);
    expect(b?.headers['etag']).toBe(a?.headers['etag']);
    await Promise.all(replicas.map((replica) => replica.destroy()));
    await database.drop();
  });
});
