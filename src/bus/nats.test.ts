/** The bus by NATS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { natsSkipped, startNats } from '../../test/support/nats.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { silentLogger } from '../core/logger.ts';
import { systemClock as clock } from '../ops/runtime.ts';
import { busContract } from './bus.contract.ts';
import { type NatsBusOptions, natsBus } from './nats.ts';

const optionsOf = (url: string, more: Partial<NatsBusOptions> = {}): NatsBusOptions => ({
  url,
  subject: 'parley',
  credentialsFile: undefined,
  tls: {},
  clock,
  logger: silentLogger,
  random: Math.random,
  ...more,
});

async function server(args: readonly string[] = []) {
  const nats = await startNats(args);
  onTestFinished(() => nats.destroy());
  return nats;
}

/** Whether a bus with these options comes up, and what it logged until then. */
async function tried(options: NatsBusOptions): Promise<{ isUp: boolean; problem: string | undefined }> {
  const warnings: unknown[] = [];
  const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
  const bus = natsBus({ ...options, logger });
  onTestFinished(() => bus.stop());
  let isUp = false;
  bus.start('alone', {
    onPayload: () => {},
    onState: (state) => {
      isUp = state;
    },
    onDropped: () => {},
  });
  await waitFor('the bus to be up, or refused', 20_000, () => isUp || warnings.length > 0);
  return { isUp, problem: (warnings[0] as { err?: Error } | undefined)?.err?.message };
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-nats-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe.skipIf(natsSkipped !== undefined)('the bus by NATS', () => {
  busContract(async () => {
    const nats = await server();
    const cut = async () => {
      await nats.kill();
      await nats.start();
    };
    return { join: () => natsBus(optionsOf(nats.url)), cut };
  });

  test('user and password, or a token, come from the address; with others it is not up, and the log says why', async () => {
    const named = await server(['--user', 'parley', '--pass', 'p@ss word']);
    const login = named.url.replace('//', '//parley:p%40ss%20word@');
    expect(await tried(optionsOf(login))).toEqual({ isUp: true, problem: undefined });
    expect(await tried(optionsOf(named.url))).toMatchObject({ isUp: false, problem: /authorization/i });
    const byToken = await server(['--auth', 'a-token']);
    expect(await tried(optionsOf(byToken.url.replace('//', '//a-token@')))).toMatchObject({ isUp: true });
    expect(await tried(optionsOf(byToken.url.replace('//', '//another@')))).toMatchObject({ isUp: false });
  });

  test('by the seed of an nkey in a file, also one that comes later; and by a file of user credentials', async () => {
    const dir = directory();
    const user = nkeys.createUser();
    const config = join(dir, 'nats.conf');
    writeFileSync(config, `authorization { users = [{ nkey: ${user.getPublicKey()} }] }`);
    const { url } = await server(['--config', config]);
    const credentialsFile = join(dir, 'user.nk');
    writeFileSync(credentialsFile, nkeys.createUser().getSeed());
    expect(await tried(optionsOf(url, { credentialsFile }))).toMatchObject({ isUp: false });
    writeFileSync(credentialsFile, Buffer.concat([Buffer.from(user.getSeed()), Buffer.from('\n')]));
    expect(await tried(optionsOf(url, { credentialsFile }))).toMatchObject({ isUp: true });
    // A .creds file holds a JWT too, which this server does not ask for: it takes the key that signed its question.
    const creds = `-----BEGIN NATS USER JWT-----\nnone\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${Buffer.from(user.getSeed()).toString()}\n------END USER NKEY SEED------\n`;
    writeFileSync(credentialsFile, creds);
    expect(await tried(optionsOf(url, { credentialsFile }))).toMatchObject({ isUp: true });
  });

  test("by TLS, with certificates of one's own on both sides; a server that is signed by somebody else is refused", async () => {
    const dir = directory();
    const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', ['req', ...options, '-keyout', keyFile, '-out', certFile, ...name], { stdio: 'ignore' });
    const { url } = await server(['--tlscert', certFile, '--tlskey', keyFile, '--tlscacert', certFile, '--tlsverify']);
    const tls = { caFile: certFile, certFile, keyFile };
    expect(await tried(optionsOf(url, { tls }))).toMatchObject({ isUp: true });
    const { isUp, problem } = await tried(optionsOf(url.replace('nats:', 'tls:')));
    expect(isUp).toBe(false);
    expect(problem).toMatch(/self.signed|certificate/i);
  });

  test('two installations on one NATS, each with a subject of its own, do not hear each other', async () => {
    const { url } = await server();
    const heard: string[] = [];
    const up: string[] = [];
    const buses = ['one', 'two'].map((subject) => {
      const bus = natsBus(optionsOf(url, { subject }));
      onTestFinished(() => bus.stop());
      bus.start('replica', {
        onPayload: (payload) => heard.push(`${subject} hears ${Buffer.from(payload).toString()}`),
        onState: () => up.push(subject),
        onDropped: () => {},
      });
      return bus;
    });
    await waitFor('both to be up', 20_000, () => up.length === 2);
    for (const [index, bus] of buses.entries()) bus.publish('all', Buffer.from(`number ${index}`));
    await waitFor('both to hear themselves', 20_000, () => heard.length >= 2);
    expect(heard.toSorted()).toEqual(['one hears number 0', 'two hears number 1']);
  });

  test('a user who may not subscribe to the subject is told so, and the bus is not up', async () => {
    const dir = directory();
    const config = join(dir, 'nats.conf');
    writeFileSync(
      config,
      'authorization { users = [{ user: p, password: p, permissions: { publish: ">", subscribe: "other.>" } }] }',
    );
    const { url } = await server(['--config', config]);
    const { isUp, problem } = await tried(optionsOf(url.replace('//', '//p:p@')));
    expect(isUp).toBe(false);
    expect(problem).toMatch(/permission/i);
  });
});

test('[O11] of tries to reach a server that never says a word, no connection is left', async () => {
  const open = new Set<Socket>();
  const silent = createServer((socket) => {
    open.add(socket.on('close', () => open.delete(socket)).on('error', () => {}));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    silent.close();
  });
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  expect(await tried(optionsOf(`nats://127.0.0.1:${address.port}`))).toEqual({ isUp: false, problem: 'timeout' });
  await waitFor('the connection to be closed', 20_000, () => open.size === 0);
});
