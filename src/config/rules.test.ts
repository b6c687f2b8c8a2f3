/** Rules for values and between keys: what may not be reached from outside, weak keys, database URLs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseUrlProblem, maskDatabaseUrl, parseDatabaseUrl, sqliteUrl } from './database-url.ts';
import type { Environment } from './environment.ts';
import { loadConfig } from './load.ts';
import { isLoopbackHost } from './network.ts';
import { ConfigError } from './problems.ts';
import { adminKeyProblem } from './secrets.ts';

const KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const ENCRYPTION_KEY = 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=';
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-rules-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function messages(env: Environment, overrides: Record<string, string> = {}): string[] {
  try {
    loadConfig({ env, cwd, overrides });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key} ${message}`);
    throw error;
  }
}

describe('off loopback', () => {
  test('plain HTTP is refused, and the message says what to do', () => {
    const [problem, ...others] = messages({ HOST: '0.0.0.0' });
    expect(others).toEqual([]);
    expect(problem).toContain('server.host is "0.0.0.0", which others can reach');
    expect(problem).toContain('server.tls.certFile');
    expect(problem).toContain('BEHIND_TLS_PROXY=true');
  });

  test('a stated proxy, or a certificate with its key, is accepted', () => {
    writeFileSync(join(cwd, 'c.pem'), 'x');
    expect(messages({ HOST: '0.0.0.0', BEHIND_TLS_PROXY: 'true' })).toEqual([]);
    expect(messages({ HOST: '10.0.0.5' }, { 'server.tls.certFile': 'c.pem', 'server.tls.keyFile': 'c.pem' })).toEqual(
      [],
    );
  });

  test('a certificate without its key, or that cannot be read, is refused', () => {
    expect(messages({}, { 'server.tls.certFile': 'c.pem' })).toEqual([
      'server.tls.certFile needs server.tls.keyFile beside it: set both, or neither',
    ]);
    expect(messages({}, { 'server.tls.certFile': 'c.pem', 'server.tls.keyFile': 'gone.pem' })).toEqual([
      `server.tls.keyFile names a file that cannot be read: ${join(cwd, 'gone.pem')}: there is no such file`,
    ]);
  });

  test('files for NATS go together, and are readable', () => {
    writeFileSync(join(cwd, 'c.pem'), 'x');
    expect(messages({}, { 'bus.natsTls.certFile': 'c.pem' })).toEqual([
      'bus.natsTls.certFile needs bus.natsTls.keyFile beside it: set both, or neither',
    ]);
    expect(messages({}, { 'bus.natsTls.caFile': 'c.pem', 'bus.natsCredentialsFile': 'gone.creds' })).toEqual([
      `bus.natsCredentialsFile names a file that cannot be read: ${join(cwd, 'gone.creds')}: there is no such file`,
    ]);
  });

  test('plain gRPC is refused there too, also where only gRPC is off loopback', () => {
    expect(messages({ GRPC_HOST: '0.0.0.0' })).toEqual([
      expect.stringMatching(/^grpc\.host is "0\.0\.0\.0", which others can reach, and plain gRPC would show them keys/),
    ]);
    expect(messages({ GRPC_HOST: '0.0.0.0', BEHIND_TLS_PROXY: 'true' })).toEqual([]);
    expect(messages({ GRPC_HOST: '0.0.0.0', GRPC_ENABLED: 'false' })).toEqual([]);
    const [cert, key] = ['grpc.tls.certFile', 'grpc.tls.keyFile'];
    expect(messages({ GRPC_HOST: '0.0.0.0' }, { [cert]: 'c.pem', [key]: 'c.pem' })).toEqual([]);
    expect(messages({}, { [cert]: 'c.pem' })).toEqual([
      'grpc.tls.certFile needs grpc.tls.keyFile beside it: set both, or neither',
    ]);
    // The certificate of the API serves both, and its problems are told once.
    expect(messages({ HOST: '0.0.0.0' }, { 'server.tls.certFile': 'c.pem', 'server.tls.keyFile': 'c.pem' })).toEqual(
      [],
    );
    expect(messages({}, { 'server.tls.certFile': 'c.pem' })).toHaveLength(1);
  });

  test('AUTH=none with gRPC off loopback is refused', () => {
    expect(messages({ AUTH: 'none', GRPC_HOST: '0.0.0.0', BEHIND_TLS_PROXY: 'true' })).toContainEqual(
      expect.stringMatching(/^auth\.mode is "none", .* and grpc\.host is "0\.0\.0\.0"/),
    );
  });

  test('gRPC has a port of its own, and an address of a host and a port', () => {
    expect(messages({ PORT: '50051' })).toEqual([
      'grpc.port and server.port are both 50051; give them different ports',
    ]);
    expect(messages({ GRPC_PORT: '3000' })).toEqual([
      'grpc.port and ops.metricsPort are both 3000; give them different ports',
    ]);
    expect(messages({ PORT: '50051', GRPC_ENABLED: 'false' })).toEqual([]);
    expect(messages({ GRPC_PUBLIC_ADDRESS: 'agents.example:443' })).toEqual([]);
    expect(messages({ GRPC_PUBLIC_ADDRESS: '[::1]:443' })).toEqual([]);
    for (const address of ['agents.example', 'https://agents.example:443', 'agents.example:0', 'a:99999', ':443']) {
      expect(messages({ GRPC_PUBLIC_ADDRESS: address })[0]).toContain('must be a host and a port');
    }
  });

  test('AUTH=none is refused off loopback and behind a proxy, and accepted on loopback', () => {
    expect(messages({ AUTH: 'none' })).toEqual([]);
    expect(messages({ AUTH: 'none', HOST: '::1' })).toEqual([]);
    expect(messages({ AUTH: 'none', HOST: '192.168.1.4', BEHIND_TLS_PROXY: '1' })[0]).toMatch(
      /^auth.mode is "none", which is allowed on a loopback address only, and server.host is "192.168.1.4"/,
    );
    expect(messages({ AUTH: 'none', BEHIND_TLS_PROXY: '1' })[0]).toMatch(
      /^auth.mode is "none", which is not allowed behind a proxy/,
    );
  });

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['localhost', true],
    ['::1', true],
    ['[::1]', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['127.example.com', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});

describe('production', () => {
  test('needs an admin key, and says how to make one', () => {
    expect(messages({ NODE_ENV: 'production', ENCRYPTION_KEY })).toEqual([
      'auth.adminKey is not set, and NODE_ENV is "production". Set ADMIN_API_KEY, or ADMIN_API_KEY_FILE to a file that holds it; `openssl rand -base64 32` makes a key',
    ]);
    expect(messages({ NODE_ENV: 'production', ENCRYPTION_KEY, ADMIN_API_KEY: KEY })).toEqual([]);
    expect(messages({ NODE_ENV: 'development' })).toEqual([]);
  });

  test('[A12] needs an encryption key, and says how to make one', () => {
    expect(messages({ NODE_ENV: 'production', ADMIN_API_KEY: KEY })).toEqual([
      'secrets.encryptionKey is not set, and NODE_ENV is "production". Set ENCRYPTION_KEY, or ENCRYPTION_KEY_FILE to a file that holds it; `openssl rand -base64 32` makes a key',
    ]);
  });

  test('NODE_ENV has three values', () => {
    expect(messages({ NODE_ENV: 'staging' })).toEqual([
      'env must be one of development, production, test, not "staging"',
    ]);
  });
});

describe('admin key', () => {
  test.each([
    'replace-with-strong-admin-api-key',
    'REPLACE_WITH_STRONG_ADMIN_API_KEY',
    'changeme',
    'changeme-changeme-changeme',
    'admin',
    'admin-admin-admin-admin',
    'password',
    'passwordpassword1234',
    'secretsecretsecret',
    'super-secret-admin-key',
    'test-api-key-secret-2024',
    'your-admin-api-key-here',
    '<paste the key here>',
    '********',
  ])('%s is refused in every environment', (key) => {
    expect(adminKeyProblem(key)).toMatch(/openssl rand -base64 32/);
    expect(messages({ ADMIN_API_KEY: key })).toHaveLength(1);
  });

  test.each([
    ['Xk29fPq81mZ', 'must have at least 16 characters, not 11'],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', 'must not be a repetition or a sequence'],
    ['x7Kq2mx7Kq2mx7Kq2mx7', 'must not be a repetition or a sequence'],
    ['1234567890123456', 'must not be a repetition or a sequence'],
    ['abcdefghijklmnopqrst', 'must not be a repetition or a sequence'],
    ['fedcba9876543210', 'must not be a repetition or a sequence'],
    ['Vx3kPq9sTz7w Lm2nRb5c', 'must be printable ASCII without spaces'],
    ['Vx3kPq9sTz7wLm2nRb5ü', 'must be printable ASCII without spaces'],
    ['Vx3kPq9sTz7wLm2n'.padEnd(600, 'qL4'), 'must have at most 512 characters'],
  ])('%s: %s', (key, message) => {
    expect(adminKeyProblem(key)).toContain(message);
  });

  test('keys made as the message says are accepted', () => {
    const made = [
      'q2Zk1yQ0Hn5c0v3o9iT8r1c4Jt0YpQkz7mB2xWdLw5E=',
      '9f86d081884c7d659a2feaa0c55ad015',
      KEY,
      'correct-horse-battery-staple',
    ];
    expect(made.map(adminKeyProblem)).toEqual(made.map(() => undefined));
  });
});

describe('database URL', () => {
  test.each([
    ['sqlite:///app/data/usage.sqlite', '/app/data/usage.sqlite'],
    ['sqlite:////app/data/usage.sqlite', '/app/data/usage.sqlite'],
    ['sqlite://./data/x.sqlite', '/base/data/x.sqlite'],
    ['sqlite://../x.sqlite', '/x.sqlite'],
    ['sqlite:///my%20data/x%3Fy.db', '/my data/x?y.db'],
    ['sqlite:///with space/x.db', '/with space/x.db'],
  ])('[A14] %s is the file %s', (url, file) => {
    expect(parseDatabaseUrl(url, '/base')).toEqual({ kind: 'sqlite', file });
  });

  test('[A14] a path and its URL name the same file', () => {
    for (const file of ['/a/b.sqlite', '/a b/100%/x#1?.sqlite']) {
      expect(parseDatabaseUrl(sqliteUrl(file), '/')).toEqual({ kind: 'sqlite', file });
    }
  });

  test.each([
    'postgres://u:p@h:5432/db',
    'postgresql://h/db',
    'postgres:///db?host=/var/run/postgresql',
    'postgres://u:p@/db?host=/var/run/postgresql',
    'postgresql://%2Fvar%2Frun%2Fpostgresql/db',
    'postgres://u@[::1]:5432/db?sslmode=require',
  ])('[A14] %s is handed to the driver as it is', (url) => {
    expect(parseDatabaseUrl(url, '/')).toEqual({ kind: 'postgres', url });
  });

  test.each([
    ['sqlite::memory:', 'must name a file'],
    ['sqlite://:memory:', 'must name a file'],
    ['sqlite://x.sqlite', 'must be sqlite:///absolute/path or sqlite://./relative/path'],
    ['sqlite:///data/', 'must name a file, not a directory'],
    ['sqlite:///x?mode=ro', 'must be a path without query'],
    ['sqlite:///100%', 'must be a path in which % is written as %25'],
    ['postgres://u:p#w@h/db', 'must be a valid URL: percent-encode'],
    ['postgres://u:p@h:99999/db', 'must be a valid URL'],
    ['mysql://h/db', 'must start with sqlite://, postgres:// or postgresql://'],
    ['./parley.sqlite', 'must start with sqlite://, postgres:// or postgresql://'],
  ])('%s is refused: %s', (url, message) => {
    expect(databaseUrlProblem(url)).toContain(message);
  });

  test.each([
    ['postgres://u:hunter2@h/db', 'postgres://u:********@h/db'],
    ['postgres://u:hunter2@/db?host=/run', 'postgres://u:********@/db?host=/run'],
    ['postgres://h/db?user=u&password=hunter2', 'postgres://h/db?user=u&password=********'],
    ['postgres://u@h/db', 'postgres://u@h/db'],
    ['sqlite:///a:b@c/d', 'sqlite:///a:b@c/d'],
    ['postgres://u:hun:ter2@h/db', 'postgres://u:********@h/db'],
  ])('%s is shown as %s', (url, shown) => {
    expect(maskDatabaseUrl(url)).toBe(shown);
  });
});

describe('rules between keys', () => {
  test('ports must differ, except where each takes any free one', () => {
    expect(messages({ PORT: '3000' })[0]).toMatch(/^ops.metricsPort and server.port are both 3000/);
    expect(messages({ PORT: '0', METRICS_PORT: '0' })).toEqual([]);
  });

  test('limits that contradict each other are refused', () => {
    expect(messages({}, { 'streams.maxBufferBytes': '65536' })).toEqual([
      'streams.maxBufferBytes must be at least tasks.maxEventBytes (4194304), not 65536: one event would fill it beyond its limit',
    ]);
    expect(messages({}, { 'tasks.maxTaskBytes': '2097152' })).toEqual([
      'tasks.maxTaskBytes must be at least tasks.maxEventBytes (4194304), not 2097152',
      'tasks.maxTaskBytes must be at least tasks.maxMessageBytes (3145728), not 2097152',
    ]);
  });

  test('a rule is silent about keys that already have a problem', () => {
    expect(messages({ HOST: '1.2.3', AUTH: 'none' })).toEqual([
      'server.host must be an IP address or a host name, not "1.2.3"',
    ]);
  });

  test.each([
    ['PUBLIC_URL', 'agents.example.com', 'must be an http or https URL'],
    ['PUBLIC_URL', 'https://u:p@x.example.com', 'must be a URL without user name and password'],
    ['PUBLIC_URL', 'https://x.example.com/?a=1', 'must be a URL without query and fragment'],
    ['CORS_ORIGINS', 'https://x.example.com/', 'did you mean "https://x.example.com"?'],
    ['CORS_ORIGINS', 'x.example.com', 'must be an origin'],
    ['ALLOWED_HOSTS', 'x.example.com:8080', 'must be a host name without scheme, port and path'],
    ['ALLOWED_HOSTS', '*.example.com', 'wildcards such as "*.example.com" are not supported'],
    ['ALLOWED_HOSTS', '::1', 'must have IPv6 addresses in brackets, such as [::1]'],
    ['HOST', '[::1]', 'must be an IPv6 address without the brackets'],
    ['HOST', 'http://localhost', 'must be an IP address or a host name'],
  ])('%s=%s: %s', (name, value, message) => {
    expect(messages({ [name]: value })).toEqual([expect.stringContaining(message)]);
  });
});
