/** The guarded client against real receivers of the worst kind. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../../test/support/receiver.ts';
import { createAddressCheck } from './address-check.ts';
import { errorName, GuardedClient, type GuardedRequest, type GuardOptions } from './guarded-client.ts';
import { UrlRules } from './url-rules.ts';

const OPEN: GuardOptions = {
  allowNetworks: ['127.0.0.0/8'],
  allowHttp: false,
  connectTimeoutMs: 1000,
  timeoutMs: 1500,
  maxResponseBytes: 4096,
};

function client(options: Partial<GuardOptions> = {}): GuardedClient {
  const made = new GuardedClient({ ...OPEN, ...options });
  onTestFinished(() => made.close());
  return made;
}

const post = (url: string, signal = new AbortController().signal): GuardedRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  body: '{}',
  signal,
});

async function failure(from: GuardedClient, url: string): Promise<string> {
  try {
    const { status } = await from.request(post(url));
    return `answered ${status}`;
  } catch (error) {
    return errorName(error);
  }
}

/** A server that does with each connection what `handle` says, and is gone after the test. */
async function rawServer(handle: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A resolver that gives these answers in turn, the last one for ever. */
function resolver(...answers: readonly (readonly string[])[]): {
  readonly lookup: LookupFunction;
  readonly asked: () => number;
} {
  let asked = 0;
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? [];
    const addresses = answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all === true) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
  return { lookup, asked: () => asked };
}

describe('addresses', () => {
  const { mayCall } = createAddressCheck([]);

  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '169.254.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '::10.0.0.1',
    '::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:0:4136:e378::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '5f00::1',
    '3fff::1',
    '4000::1',
    'not an address',
    '',
    'localhost',
  ])('[A13] %s may not be called', (address) => {
    expect(mayCall(address)).toBe(false);
  });

  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
  ])('[A13] %s may be called', (address) => {
    expect(mayCall(address)).toBe(true);
  });

  test('[A13] an allowed network opens itself and nothing else, also when it is written as IPv6', () => {
    const check = createAddressCheck(['10.1.0.0/16', 'fd00::/8']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1']) expect(check.mayCall(address)).toBe(true);
    for (const address of ['10.2.0.1', '127.0.0.1', 'fe80::1']) expect(check.mayCall(address)).toBe(false);
  });
});

describe('URLs', () => {
  test('[A13] are refused for their scheme, their credentials, or the address that they are', () => {
    const rules = new UrlRules({ allowNetworks: [], allowHttp: false });
    for (const url of [
      'ftp://example.com/',
      'file:///etc/passwd',
      'http://example.com/',
      'https://user@example.com/',
      'https://127.1/',
      'https://user:pass@example.com/',
      'https://017700000001/',
      'https://[::ffff:7f00:1]/',
      'https://a/#b',
      'nonsense',
    ]) {
      expect(`${url} ${rules.problemOf(url) ?? ''}`).toMatch(/ must be /);
    }
    expect(rules.problemOf('https://example.com:8443/hook?x=y')).toBeUndefined();
    const allowed = new UrlRules({ allowNetworks: ['10.0.0.0/8'], allowHttp: false });
    expect(allowed.problemOf('http://10.1.2.3/')).toBeUndefined();
    expect(allowed.problemOf('http://8.8.8.8/')).toMatch(/https/);
  });
});

describe('names', () => {
  test('[A13] [PUSH-9] that lead to an address that may not be called, alone or among others, get no connection', async () => {
    const receiver = await startReceiver();
    for (const answer of [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], []]) {
      const { lookup } = resolver(answer);
      const guarded = client({ allowNetworks: [], allowHttp: true, lookup });
      expect(await failure(guarded, `http://rebind.example:${receiver.port}/`)).toBe('address_refused');
    }
    expect(receiver.received).toEqual([]);
  });

  test('[A13] that change between the check and the connection are called where they led when they were checked', async () => {
    const receiver = await startReceiver();
    // First allowed, then not: a second look would be refused, or, in a client that checks first, connect elsewhere.
    const rebinding = resolver(['127.0.0.1'], ['169.254.169.254']);
    const guarded = client({ lookup: rebinding.lookup });
    expect(await failure(guarded, `http://rebind.example:${receiver.port}/`)).toBe('answered 204');
    expect(rebinding.asked()).toBe(1);
    const back = resolver(['169.254.169.254'], ['127.0.0.1']);
    expect(await failure(client({ lookup: back.lookup }), `http://rebind.example:${receiver.port}/`)).toBe(
      'address_refused',
    );
    expect(back.asked()).toBe(1);
    expect(receiver.received).toHaveLength(1);
  });

  test('[A13] by plain http lead to allowed networks only', async () => {
    const { lookup } = resolver(['93.184.216.34']);
    expect(await failure(client({ lookup }), 'http://public.example/')).toBe('address_refused');
  });

  test('[A13] that do not exist are told as such', async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '');
    expect(await failure(client({ lookup }), 'https://nowhere.example/')).toBe('name_not_found');
  });
});

describe('a receiver', () => {
  test('[A13] that redirects is not followed', async () => {
    const inner = await startReceiver();
    const outer = await startReceiver();
    outer.reactions = [(_request, response) => response.writeHead(307, { location: inner.url() }).end()];
    expect(await failure(client(), outer.url())).toBe('answered 307');
    expect(inner.received).toEqual([]);
  });

  test('[A13] that never answers, or answers for ever, costs the time limit and no more', async () => {
    const silent = await rawServer(() => undefined);
    const drips = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-drip: 1\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
    });
    const startedMs = performance.now();
    expect(await failure(client(), silent)).toBe('timeout');
    expect(await failure(client(), drips)).toMatch(/timeout|bad_answer/);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('[A13] whose body drips has answered with its status', async () => {
    const drips = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 100);
      socket.on('close', () => clearInterval(timer));
    });
    const startedMs = performance.now();
    expect(await failure(client(), drips)).toBe('answered 200');
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('[A13] that answers with 10 GB is cut off after what may be read', async () => {
    let written = 0;
    const closed = { isClosed: false };
    const url = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${10 * 1024 ** 3}\r\n\r\n`);
      const chunk = Buffer.alloc(64 * 1024, 120);
      const more = (): void => {
        while (!closed.isClosed && socket.write(chunk)) written += chunk.length;
        written += chunk.length;
      };
      socket.on('drain', more).on('close', () => {
        closed.isClosed = true;
      });
      more();
    });
    expect(await failure(client(), url)).toBe('answered 200');
    // What lies in the buffers of sockets, and nothing of the rest.
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test('[A13] with headers without end, or that speaks no HTTP, is a bad answer', async () => {
    const headers = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      for (let index = 0; index < 2000; index++) socket.write(`x-header-${index}: ${'x'.repeat(100)}\r\n`);
    });
    expect(await failure(client(), headers)).toMatch(/bad_answer|connection_lost/);
    expect(await failure(client(), await rawServer((socket) => socket.end('SSH-2.0-x\r\n')))).toBe('bad_answer');
  });

  test('[A13] that resets, or is not there, is told as such', async () => {
    const url = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await failure(client(), url)).toBe('connection_lost');
    expect(await failure(client(), 'http://127.0.0.1:1/')).toBe('connection_refused');
  });

  test('[A13] whose certificate is not of its name, or of nobody, is not spoken to', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'parley-tls-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const name = ['-subj', '/CN=good.example', '-addext', 'subjectAltName=DNS:good.example'];
    execFileSync('openssl', ['req', ...options, '-keyout', keyFile, '-out', certFile, ...name], { stdio: 'ignore' });
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')];
    const seen: (string | false)[] = [];
    const server = createHttpsServer({ key, cert }, (request, response) => {
      seen.push('servername' in request.socket ? (request.socket.servername as string | false) : false);
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { lookup } = resolver(['127.0.0.1']);
    expect(await failure(client({ lookup }), `https://good.example:${port}/`)).toBe('tls_failed');
    expect(await failure(client({ lookup, ca: cert }), `https://evil.example:${port}/`)).toBe('tls_failed');
    // By the name, though the connection goes to the address that was checked.
    expect(await failure(client({ lookup, ca: cert }), `https://good.example:${port}/`)).toBe('answered 204');
    expect(seen).toEqual(['good.example']);
  });
});

test('[A13] a signal ends an attempt at once', async () => {
  const url = await rawServer(() => undefined);
  const controller = new AbortController();
  const attempt = client({ timeoutMs: 60_000 }).request(post(url, controller.signal));
  setImmediate(() => controller.abort());
  await expect(attempt).rejects.toThrow(/abort/i);
});
