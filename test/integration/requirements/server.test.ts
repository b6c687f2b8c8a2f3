/** What A2A demands of a server as a whole. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { http } from '../wire/wire.ts';
import { startUnderTest } from './server-under-test.ts';

test('[CARD-4] the card holds no key, and nothing of the machine but the address that clients use', async () => {
  const server = await startUnderTest('streaming-push');
  const { text } = await http(`${server.url}/.well-known/agent-card.json`);
  const known = text.replaceAll(server.url, '').replaceAll(`127.0.0.1:${server.ports.grpcPort}`, '');
  expect(known).not.toMatch(/127\.0\.0\.1|localhost|file:|\/(?:home|tmp|root|work)\b|sqlite|postgres/);
  expect(known).not.toContain(server.adminKey);
  await server.stop();
});

test('[SEC-1] over HTTPS every answer tells browsers to stay with it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-tls-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], { stdio: 'ignore' });
  const server = await startUnderTest('plain', { 'server.tls.certFile': certFile, 'server.tls.keyFile': keyFile });
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  for (const path of ['/.well-known/agent-card.json', '/a2a/tasks', '/nothing']) {
    const { headers, body } = await request(`${server.url}${path}`, { dispatcher });
    await body.dump();
    expect([path, headers['strict-transport-security']]).toEqual([path, expect.stringContaining('max-age=')]);
  }
  await dispatcher.close();
  await server.stop();
});
