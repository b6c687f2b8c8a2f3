/** `parley card`: a verdict on any card, from any place, with an exit code; and signing. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runParley } from '../../support/program.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';

let parley: ParleyProcess;
let cwd: string;
const servers: Server[] = [];
beforeAll(async () => {
  parley = await startParley();
  cwd = mkdtempSync(join(tmpdir(), 'parley-card-'));
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(cwd, { recursive: true, force: true });
});

const card = (...args: string[]) =>
  runParley(['card', ...args], {
    cwd,
    env: { ...parley.environment(), PARLEY_DATA_DIR: join(parley.dataDir, 'data') },
  });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The served card, in a file. */
async function cardFile(name: string, change: object = {}): Promise<string> {
  const { stdout } = await card('show', parley.url, '--json');
  const shown = JSON.parse(stdout) as { card: object };
  writeFileSync(join(cwd, name), JSON.stringify({ ...shown.card, ...change }));
  return name;
}

describe('parley card verify', () => {
  test('[A17] says valid, why and by whose keys, for a card of a server', async () => {
    const { code, stdout } = await card('verify', parley.url);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^valid +signature_valid: /)]);
    expect(stdout).toContain(`trust  ${parley.url}, where the card came from, over plain HTTP`);
    const at = await card('verify', `${parley.url}/a2a/agents/echo`, '--json');
    expect(JSON.parse(at.stdout)).toMatchObject({ verdict: 'valid', form: 'received', uncovered: [], problems: [] });
  });

  test('[A17] a file vouches for nothing: its keys must be given', async () => {
    const file = await cardFile('card.json');
    const alone = await card('verify', file);
    expect([alone.code, alone.stdout]).toEqual([1, expect.stringMatching(/^untrusted +keys_not_trusted: /)]);
    expect(alone.stdout).toMatch(/^what to do +.*--trust.*--jwks/m);
    for (const trust of [
      ['--jwks', `${parley.url}/.well-known/jwks.json`],
      ['--trust', parley.url],
    ]) {
      const { code, stdout } = await card('verify', file, ...trust);
      expect([trust[0], code, stdout]).toEqual([trust[0], 0, expect.stringMatching(/^valid /)]);
    }
  });

  test('[A17] a changed card is invalid, an unsigned one unsigned', async () => {
    const changed = await card('verify', await cardFile('changed.json', { name: 'Evil' }), '--trust', parley.url);
    expect([changed.code, changed.stdout]).toEqual([1, expect.stringMatching(/^invalid +signature_invalid: /)]);
    const unsigned = await card('verify', await cardFile('unsigned.json', { signatures: [] }), '--trust', parley.url);
    expect([unsigned.code, unsigned.stdout]).toEqual([1, expect.stringMatching(/^unsigned +no_signatures: /)]);
    const old = await card(
      'verify',
      await cardFile('old.json', { url: 'https://evil.example' }),
      '--trust',
      parley.url,
    );
    expect(old.stdout).toMatch(/not covered +.*url/);
  });

  test("[A17] a copy at another address does not become that address's own", async () => {
    const text = readFileSync(join(cwd, await cardFile('copy.json')), 'utf8');
    const other = await serve((_request, response) => response.end(text));
    const { code, stdout } = await card('verify', other);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^untrusted /)]);
  });

  test('[A17] what is wrong with the card itself is listed, and fails the check', async () => {
    const file = await cardFile('bad.json', { skills: [{ id: '' }], version: 1 });
    const { code, stdout } = await card('verify', file, '--json', '--trust', parley.url);
    expect(code).toBe(1);
    const { problems } = JSON.parse(stdout) as { problems: { field: string }[] };
    expect(problems.map(({ field }) => field)).toEqual(expect.arrayContaining(['version', 'skills[0].id']));
  });

  test('[A17] a 0.3 card is checked against the definition of 0.3', async () => {
    writeFileSync(
      join(cwd, 'v03.json'),
      JSON.stringify({ protocolVersion: '0.3.0', name: 'Old', url: 'https://a.example' }),
    );
    const { stdout } = await card('verify', 'v03.json', '--json');
    const { problems } = JSON.parse(stdout) as { problems: { field: string }[] };
    expect(problems.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['description', 'capabilities', 'skills']),
    );
    expect(problems.map(({ field }) => field)).not.toContain('supportedInterfaces');
    expect((await card('show', 'v03.json')).stdout).toMatch(/JSONRPC +0\.3\.0 +https:\/\/a\.example/);
  });

  test('[A17] a redirect is not followed, a huge answer not read, nonsense told as such', async () => {
    const redirecting = await serve((_request, response) => response.writeHead(302, { location: parley.url }).end());
    const huge = await serve((_request, response) => response.end(`"${'x'.repeat(2 * 1024 * 1024)}"`));
    const nonsense = await serve((_request, response) => response.end('<html>'));
    const missing = await serve((_request, response) => response.writeHead(404).end());
    for (const [url, reason] of [
      [redirecting, /redirects to .*; name that address if you trust it/],
      [huge, /more than 1048576 bytes/],
      [nonsense, /holds no JSON object/],
      [missing, /answered with status 404/],
      ['http://127.0.0.1:1', /ECONNREFUSED/],
      ['nothing.json', /cannot read nothing\.json/],
    ] as const) {
      const { code, stderr, stdout } = await card('verify', url);
      expect([url, code, stdout, stderr]).toEqual([url, 1, '', expect.stringMatching(reason)]);
    }
  });
});

describe('parley card show', () => {
  test('[A17] prints a card for people, with its signatures checked', async () => {
    const { code, stdout } = await card('show', parley.url);
    expect(code).toBe(0);
    for (const line of [
      /^name +Echo$/m,
      /^JSONRPC +1\.0 +http/m,
      /^echo +Echo +Sends/m,
      /^security +bearer/m,
      /^valid /m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  test('[A17] a card cannot write to the terminal as it likes', async () => {
    const file = await cardFile('evil.json', {
      name: '\u001b[2Jcleared\nvalid',
      signatures: [{ protected: '\u001b', signature: '' }],
    });
    const { stdout } = await card('show', file);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^name +\?\[2Jcleared\?valid$/m);
  });
});

describe('parley card sign', () => {
  test('[A17] with the key of the server, whether it runs or not', async () => {
    const file = await cardFile('mine.json', { name: 'Mine' });
    const signed = await card('sign', file, '--out', 'signed.json');
    expect([signed.code, signed.stdout]).toEqual([0, 'Wrote signed.json.\n']);
    expect((await card('verify', 'signed.json', '--trust', parley.url)).code).toBe(0);
    const jwks = await (await fetch(`${parley.url}/.well-known/jwks.json`)).text();
    writeFileSync(join(cwd, 'jwks.json'), jwks);
    await parley.stop();
    const offline = await card('sign', file, '--out', 'offline.json');
    await parley.start();
    expect(offline.code).toBe(0);
    expect((await card('verify', 'offline.json', '--jwks', 'jwks.json')).code).toBe(0);
  });

  test.each([
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ])('[A17] with a %s key of a file, in PEM and as a JWK', async (name, generate) => {
    const { privateKey, publicKey } = generate();
    writeFileSync(join(cwd, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(cwd, 'key.jwk'), JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'mine' }));
    writeFileSync(join(cwd, 'public.jwk'), JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: 'mine' }));
    const file = await cardFile('own.json');
    for (const args of [
      ['--key', 'key.pem', '--kid', 'mine'],
      ['--key', 'key.jwk'],
    ]) {
      const signed = await card('sign', file, ...args, '--out', 'own-signed.json');
      expect([name, signed.code, signed.stderr]).toEqual([name, 0, '']);
      const { code, stdout } = await card('verify', 'own-signed.json', '--jwks', 'public.jwk');
      expect([name, code, stdout]).toEqual([name, 0, expect.stringMatching(/^valid /)]);
    }
  });

  test('[A17] a key that cannot sign is refused without being shown', async () => {
    const file = await cardFile('own.json');
    writeFileSync(join(cwd, 'bad.pem'), 'very-secret-nonsense');
    const { code, stderr } = await card('sign', file, '--key', 'bad.pem');
    expect([code, stderr]).toEqual([1, 'error: bad.pem holds no private key in PEM or as a JWK\n']);
  });
});
