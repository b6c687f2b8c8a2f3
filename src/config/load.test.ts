/** The loader: sources and their order, what is refused and how it is said. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Environment } from './environment.ts';
import { type Config, type LoadOptions, loadConfig } from './load.ts';
import { secretValues, shownSettings } from './mask.ts';
import { ConfigError, formatProblem } from './problems.ts';
import { KEYS } from './schema.ts';

const KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const ENCRYPTION_KEY = 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=';
const EARLIER_KEY = 'Zr5tXk0uQy8bNw1cVf6mJd3hGs9pLa2eHi7oTqKjB4M=';
let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const load = (env: Environment = {}, overrides: LoadOptions['overrides'] = {}): Config =>
  loadConfig({ env, cwd, overrides });

/** The problems of a load that must fail, one line each. */
function problems(env: Environment = {}, overrides: LoadOptions['overrides'] = {}): string[] {
  try {
    load(env, overrides);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('defaults', () => {
  test('an empty directory and environment give a loopback server on SQLite with every source "default"', () => {
    const config = load();
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8080, publicUrl: 'http://127.0.0.1:8080' });
    expect(config.server.allowedHosts).toEqual(['localhost', '127.0.0.1', '[::1]']);
    expect(config.ops).toMatchObject({ metricsPort: 3000, metricsHost: '127.0.0.1' });
    expect(config.dataDir).toBe(join(cwd, 'data'));
    expect(config.database.url).toBe(`sqlite://${join(cwd, 'data', 'parley.sqlite')}`);
    expect(config.log).toMatchObject({ level: 'info', format: 'auto', keepDays: 14 });
    expect(config.configFile).toBeUndefined();
    expect(new Set(Object.values(config.sources))).toEqual(new Set(['default']));
  });

  test('[O5] the pool is 20 connections and 10 more, and a waiter fails after 30 s', () => {
    expect(load().database.pool).toEqual({ size: 20, overflow: 10, acquireTimeoutMs: 30_000 });
  });

  test('the result is frozen at every depth', () => {
    const config = load();
    expect(() => Object.assign(config.server.tls, { certFile: 'x' })).toThrow(TypeError);
    expect(() => (config.server.allowedHosts as string[]).push('x')).toThrow(TypeError);
    expect(Object.isFrozen(config.sources)).toBe(true);
  });

  test('every key has a description that ends as a sentence, and every number has bounds', () => {
    const withoutSentence = KEYS.filter(({ description }) => !/^[`A-Z].*\.$/.test(description));
    const withoutBounds = KEYS.filter(
      ({ kind, allowed }) => kind === 'integer' && !/^an integer from \d+ to \d{2,12}$/.test(allowed),
    );
    expect([...withoutSentence, ...withoutBounds].map(({ path }) => path)).toEqual([]);
  });

  test('the public URL follows host, port and TLS, and a host for all addresses becomes localhost', () => {
    write('cert.pem', 'x');
    write('key.pem', 'x');
    write('parley.yaml', 'server:\n  host: "::"\n  port: 443\n  tls: { certFile: cert.pem, keyFile: key.pem }\n');
    expect(load().server.publicUrl).toBe('https://localhost');
    expect(load({ HOST: '::1' }).server.publicUrl).toBe('https://[::1]');
  });
});

describe('precedence', () => {
  test('[O5] arguments over environment over .env over parley.yaml over defaults, each with its source', () => {
    write(
      'parley.yaml',
      'server:\n  port: 1001\nops:\n  metricsPort: 1002\nlog:\n  level: debug\nstream: { streamPort: 1003 }\n',
    );
    write('.env', 'METRICS_PORT=2002\nLOG_LEVEL=WARN\nSTREAM_PORT=2003\n');
    const config = load({ LOG_LEVEL: 'ERROR', STREAM_PORT: '3003' }, { 'stream.streamPort': '4003' });
    expect(config.server.port).toBe(1001);
    expect(config.ops.metricsPort).toBe(2002);
    expect(config.log.level).toBe('error');
    expect(config.stream.streamPort).toBe(4003);
    expect(config.sources).toMatchObject({
      'server.host': 'default',
      'server.port': 'parley.yaml:2',
      'ops.metricsPort': '.env METRICS_PORT',
      'log.level': 'env LOG_LEVEL',
      'stream.streamPort': 'argument stream.streamPort',
    });
  });

  test('[O5] each variable of the environment reaches its key', () => {
    const config = load({
      NODE_ENV: 'production',
      HOST: 'localhost',
      PORT: '1',
      PUBLIC_URL: 'https://agents.example.com/parley/',
      ALLOWED_HOSTS: 'agents.example.com, [::1]',
      CORS_ORIGINS: 'https://a.example.com,http://localhost:5173',
      TRUST_PROXY: '1',
      BEHIND_TLS_PROXY: 'true',
      METRICS_PORT: '2',
      STREAM_PORT: '3',
      AUTH: 'key',
      ADMIN_API_KEY: KEY,
      ENCRYPTION_KEY,
      ENCRYPTION_KEYS_PREVIOUS: `${EARLIER_KEY}, ${ENCRYPTION_KEY}`,
      PARLEY_DATA_DIR: 'elsewhere',
      DATABASE_URL: 'postgresql://u:p%40ss@db/parley',
      LOG_LEVEL: 'Warning',
      LOG_FORMAT: 'json',
      LOG_DIR: '/var/log/parley',
      RATE_LIMIT_PER_MINUTE: '60',
    });
    expect(config).toMatchObject({
      env: 'production',
      secrets: { encryptionKey: ENCRYPTION_KEY, previousKeys: [EARLIER_KEY, ENCRYPTION_KEY] },
      server: {
        host: 'localhost',
        port: 1,
        publicUrl: 'https://agents.example.com/parley',
        allowedHosts: ['agents.example.com', '[::1]'],
        corsOrigins: ['https://a.example.com', 'http://localhost:5173'],
        trustProxy: true,
        behindTlsProxy: true,
      },
      ops: { metricsPort: 2, metricsHost: 'localhost' },
      stream: { streamPort: 3 },
      auth: { mode: 'key', adminKey: KEY },
      dataDir: join(cwd, 'elsewhere'),
      database: { url: 'postgresql://u:p%40ss@db/parley' },
      log: { level: 'warn', format: 'json', directory: '/var/log/parley' },
      rateLimit: { perMinute: 60 },
    });
  });

  test('empty variables, and keys without a value, count as not set', () => {
    write('parley.yaml', 'server:\n  port:\nops:\n# nothing\n');
    expect(load({ PORT: '', LOG_LEVEL: '  ', PARLEY_CONFIG: '' }).server.port).toBe(8080);
  });

  test('PARLEY_CONFIG names the file, also one that is read-only, and may come from .env', () => {
    write('other.yaml', 'server: { port: 1234 }\n');
    chmodSync(join(cwd, 'other.yaml'), 0o444);
    write('.env', 'PARLEY_CONFIG=./other.yaml\n');
    expect(load().server.port).toBe(1234);
    expect(load().sources['server.port']).toBe('./other.yaml:1');
    expect(load().configFile).toBe(join(cwd, 'other.yaml'));
  });

  test('a named file that is missing is an error', () => {
    expect(problems({ PARLEY_CONFIG: 'no.yaml' })).toEqual([
      `PARLEY_CONFIG names ${join(cwd, 'no.yaml')}, which cannot be read: there is no such file`,
    ]);
  });

  test('a directory named .env is none of ours', () => {
    mkdirSync(join(cwd, '.env'));
    expect(load().server.port).toBe(8080);
  });
});

describe('problems in parley.yaml', () => {
  test('[O5] an unknown key names file, line and column, and the key that was meant', () => {
    write(
      'parley.yaml',
      'server:\n  prot: 8080\nport: 1\nlogs:\n  level: info\nrateLimit: { per_minute: 3 }\nxyzzy: 1\n',
    );
    expect(problems()).toEqual([
      'parley.yaml:2:3: server.prot is no known key; did you mean "server.port"?',
      'parley.yaml:3:1: port is no known key; did you mean "server.port"?',
      'parley.yaml:4:1: logs is no known key; did you mean "log"?',
      'parley.yaml:6:14: rateLimit.per_minute is no known key; did you mean "rateLimit.perMinute"?',
      'parley.yaml:7:1: xyzzy is no known key',
    ]);
  });

  test('[O5] a bad value names file, line and column, what is wrong and what is allowed', () => {
    write(
      'parley.yaml',
      'server:\n  port: 70000\n  trustProxy: maybe\n  allowedHosts: [ok.example.com, "http://x"]\nlog:\n  level: loud\n  format: [json]\ntasks: 7\nauth:\n  adminKey: 12345678901234567\n',
    );
    expect(problems()).toEqual([
      'parley.yaml:8:8: tasks is a section and must hold keys of its own',
      'parley.yaml:2:9: server.port must be an integer from 0 to 65535, not 70000',
      'parley.yaml:4:34: server.allowedHosts[1] must be a host name without scheme, port and path, not "http://x"',
      'parley.yaml:3:15: server.trustProxy must be true or false, not "maybe"',
      'parley.yaml:10:13: auth.adminKey must be text (in YAML, a text in quotes)',
      'parley.yaml:6:10: log.level must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
      'parley.yaml:7:11: log.format must be one of auto, json, pretty, not a list',
    ]);
  });

  test.each(['1e3', '0x1F90', '8080.0', '"8080"', '-1', '8_080', '0o17', '08080'])('%s is no port', (written) => {
    write('parley.yaml', `server:\n  port: ${written}\n`);
    expect(problems()).toEqual([
      expect.stringMatching(/^parley\.yaml:2:9: server\.port must be an integer from 0 to 65535, not /),
    ]);
  });

  test('YAML that is none, a key twice, a second document and a list at the top are errors with their line', () => {
    write('parley.yaml', 'server:\n  port: 1\n  port: 2\n');
    expect(problems()).toEqual([expect.stringMatching(/^parley\.yaml:3:3: is not valid YAML: .*unique/)]);
    write('parley.yaml', 'server: {\n');
    expect(problems()[0]).toMatch(/^parley\.yaml:\d+:\d+: is not valid YAML: /);
    write('parley.yaml', 'env: test\n---\nenv: test\n');
    expect(problems()[0]).toMatch(/^parley\.yaml:2:1: is not valid YAML: /);
    write('parley.yaml', '- 1\n');
    expect(problems()).toEqual(['parley.yaml:1:1: must be a mapping of keys']);
  });

  test('anchors work, and __proto__ is an unknown key like any other', () => {
    write('parley.yaml', 'server:\n  host: &h localhost\nops:\n  metricsHost: *h\n');
    expect(load().ops.metricsHost).toBe('localhost');
    write('parley.yaml', '__proto__:\n  port: 1\n');
    expect(problems()).toEqual([expect.stringMatching(/^parley\.yaml:1:1: __proto__ is no known key/)]);
  });
});

describe('problems in the environment', () => {
  test('[O5] all problems of all sources are listed at once, with the variable and its key', () => {
    write('parley.yaml', 'idempotency: { keyTtlHours: 0 }\n');
    write('.env', 'METRICS_PORT=x\n');
    expect(problems({ PORT: '80.5', AUTH: 'off', TRUST_PROXY: 'si', CORS_ORIGINS: 'https://a.example.com,*' })).toEqual(
      [
        'PORT (server.port) must be an integer from 0 to 65535, not "80.5"',
        'CORS_ORIGINS (server.corsOrigins[1]) must name each origin: "*" would let every web page call this server',
        'TRUST_PROXY (server.trustProxy) must be true or false, not "si"',
        'METRICS_PORT (ops.metricsPort) must be an integer from 0 to 65535, not "x"',
        'AUTH (auth.mode) must be one of key, none, not "off"',
        'parley.yaml:1:29: idempotency.keyTtlHours must be an integer from 1 to 8760, not 0',
      ],
    );
  });

  test('the message of the error holds every problem on a line of its own', () => {
    expect(() => load({ PORT: 'x', AUTH: 'y' })).toThrow(
      'the configuration has 2 problems:\n  PORT (server.port) must be an integer from 0 to 65535, not "x"\n  AUTH (auth.mode) must be one of key, none, not "y"',
    );
  });

  test('a variable with our prefix that is not known is an error, with the one that was meant', () => {
    expect(problems({ PARLEY_DATADIR: '/x', PARLEY_PORT: '1', PARLEY_QQ: '1' })).toEqual([
      'PARLEY_DATADIR is no known variable; did you mean PARLEY_DATA_DIR?',
      'PARLEY_PORT is no known variable; did you mean PORT?',
      'PARLEY_QQ is no known variable',
    ]);
  });

  test('what Kubernetes sets for services named parley, postgres and metrics is left alone', () => {
    const config = load({
      PARLEY_SERVICE_HOST: '10.0.0.1',
      PARLEY_SERVICE_PORT_HTTP: '80',
      PARLEY_PORT: 'tcp://10.0.0.1:80',
      PARLEY_PORT_80_TCP_ADDR: '10.0.0.1',
      POSTGRES_PORT: 'tcp://10.0.0.2:5432',
      METRICS_PORT: 'tcp://10.0.0.3:3000',
    });
    expect(config.ops.metricsPort).toBe(3000);
    expect(config.database.url).toMatch(/^sqlite:/);
  });

  test('an override of a key that does not exist is an error', () => {
    expect(problems({}, { 'server.prt': '1' })).toEqual(['server.prt is no known key']);
  });
});

describe('secrets', () => {
  test('[O5] a secret comes from its _FILE without the line break at the end, and the path stays known', () => {
    write('key', `${KEY}\n`);
    const config = load({ ADMIN_API_KEY_FILE: 'key' });
    expect(config.auth).toMatchObject({ adminKey: KEY, adminKeyFile: join(cwd, 'key') });
    expect(config.sources['auth.adminKey']).toBe('env ADMIN_API_KEY_FILE');
    write('url', 'postgres://u:p@db/x\r\n');
    expect(load({ DATABASE_URL_FILE: 'url' }).database.url).toBe('postgres://u:p@db/x');
  });

  test('both X and X_FILE, and both keys in the file, are a conflict', () => {
    write('key', KEY);
    expect(problems({ ADMIN_API_KEY: KEY, ADMIN_API_KEY_FILE: 'key', ENCRYPTION_KEY, NODE_ENV: 'production' })).toEqual(
      ['ADMIN_API_KEY (auth.adminKey) and ADMIN_API_KEY_FILE are both set; set one of them'],
    );
    write('parley.yaml', `auth:\n  adminKey: ${KEY}\n  adminKeyFile: key\n`);
    expect(problems()).toEqual(['parley.yaml:2:13: auth.adminKey and auth.adminKeyFile are both set; set one of them']);
  });

  test('a higher source overrides the other form of the same secret', () => {
    write('key', `${KEY}-file`);
    write('parley.yaml', 'auth:\n  adminKeyFile: key\n');
    expect(load({ ADMIN_API_KEY: KEY }).auth).toMatchObject({ adminKey: KEY });
    expect(load({ ADMIN_API_KEY: KEY }).auth.adminKeyFile).toBeUndefined();
    write('parley.yaml', `auth:\n  adminKey: ${KEY}\n`);
    expect(load({ ADMIN_API_KEY_FILE: 'key' }).auth.adminKey).toBe(`${KEY}-file`);
  });

  test('a secret file that is missing or empty is an error that names it, and the only one', () => {
    expect(problems({ ADMIN_API_KEY_FILE: 'gone', ENCRYPTION_KEY, NODE_ENV: 'production' })).toEqual([
      `ADMIN_API_KEY_FILE (auth.adminKeyFile) names a file that cannot be used: cannot read ${join(cwd, 'gone')}: there is no such file`,
    ]);
    write('empty', '\n');
    expect(problems({ DATABASE_URL_FILE: 'empty' })).toEqual([
      `DATABASE_URL_FILE (database.urlFile) names a file that cannot be used: ${join(cwd, 'empty')} is empty`,
    ]);
  });

  test('no problem shows a secret', () => {
    const bad = 'short-sekret';
    const all = problems({ ADMIN_API_KEY: bad, DATABASE_URL: 'mysql://u:hunter22@h/x' }).join('\n');
    expect(all).toContain('ADMIN_API_KEY (auth.adminKey) must have at least 16 characters');
    expect(all).toContain('DATABASE_URL (database.url) must start with sqlite://, postgres:// or postgresql://');
    expect(all).not.toContain(bad);
    expect(all).not.toContain('hunter22');
  });

  test('what is shown has ******** for secrets, and the values to keep out of logs are listed', () => {
    const config = load({ ADMIN_API_KEY: KEY, DATABASE_URL: 'postgres://u:p%40ss@db/x?password=other' });
    const shown = Object.fromEntries(shownSettings(config).map(({ path, value }) => [path, value]));
    expect(shown['auth.adminKey']).toBe('********');
    expect(shown['database.url']).toBe('postgres://u:********@db/x?password=********');
    expect(secretValues(config)).toEqual([KEY, 'p%40ss', 'p@ss', 'other']);
    expect(shownSettings(config)).toHaveLength(KEYS.length);
  });

  test('the address of NATS is hidden, its passwords and tokens are kept out of logs, and a wrong one is refused unshown', () => {
    const several = 'nats://parley:p%40ss@one:4222,tls://a-token@two:4222, nats://three';
    const config = load({ NATS_URL: several, ADMIN_API_KEY: KEY });
    const shown = Object.fromEntries(shownSettings(config).map(({ path, value }) => [path, value]));
    expect(shown['bus.natsUrl']).toBe('********');
    expect(secretValues(config)).toEqual([KEY, 'p%40ss', 'p@ss', 'a-token']);
    write('nats', `${several}\n`);
    expect(load({ NATS_URL_FILE: 'nats' }).bus.natsUrl).toBe(several);
    for (const wrong of ['nats.example.com', 'nats://', 'nats://hunter22@h/path', 'http://h', 'nats://h,hunter22@x']) {
      const all = problems({ NATS_URL: wrong }).join('\n');
      expect(all).toContain('NATS_URL (bus.natsUrl) must ');
      expect(all).not.toContain('hunter22');
    }
    expect(problems({}, { 'bus.natsSubject': 'a.*.b' }).join()).toContain('must be words of letters');
  });

  test('[A12] encryption keys are shown as ********, and each of them is kept out of logs', () => {
    write('keys', `# current\n${ENCRYPTION_KEY}\n${EARLIER_KEY}\n`);
    const config = load({ ENCRYPTION_KEY_FILE: 'keys', ENCRYPTION_KEYS_PREVIOUS: EARLIER_KEY });
    const shown = Object.fromEntries(shownSettings(config).map(({ path, value }) => [path, value]));
    expect([shown['secrets.encryptionKey'], shown['secrets.previousKeys']]).toEqual(['********', '********']);
    expect(secretValues(config)).toEqual([ENCRYPTION_KEY, EARLIER_KEY, EARLIER_KEY]);
  });

  test('[A12] a weak encryption key is refused without being shown', () => {
    const weak = 'ab'.repeat(32);
    const all = problems({ ENCRYPTION_KEY: weak, ENCRYPTION_KEYS_PREVIOUS: `${EARLIER_KEY},short` }).join('\n');
    expect(all).toContain('ENCRYPTION_KEY (secrets.encryptionKey) must not be a repetition or a sequence');
    expect(all).toContain('ENCRYPTION_KEYS_PREVIOUS (secrets.previousKeys[1]) must be 32 bytes in base64');
    expect(all).not.toContain(weak);
    expect(all).not.toContain('short');
  });
});

describe('PostgreSQL by parts', () => {
  test('[O5] POSTGRES_* make the URL, with what needs it encoded', () => {
    write('pw', 'p@ss/w#rd\n');
    const config = load({
      POSTGRES_HOST: 'db',
      POSTGRES_USER: 'me',
      POSTGRES_DB: 'parley',
      POSTGRES_PASSWORD_FILE: join(cwd, 'pw'),
    });
    expect(config.database.url).toBe('postgres://me:p%40ss%2Fw%23rd@db:5432/parley');
    expect(config.sources['database.url']).toBe('env POSTGRES_HOST');
    expect(load({ POSTGRES_HOST: '/var/run/postgresql', POSTGRES_PORT: '5433' }).database.url).toBe(
      'postgres://postgres@/postgres?host=/var/run/postgresql&port=5433',
    );
  });

  test('DATABASE_URL goes before POSTGRES_*, which go before the file', () => {
    write('parley.yaml', 'database: { url: "sqlite://./x.sqlite" }\n');
    expect(load().database.url).toBe(`sqlite://${join(cwd, 'x.sqlite')}`);
    expect(load({ POSTGRES_HOST: 'db' }).database.url).toBe('postgres://postgres@db:5432/postgres');
    expect(load({ POSTGRES_HOST: 'db', DATABASE_URL: 'sqlite:///y' }).database.url).toBe('sqlite:///y');
  });

  test('bad parts are named, and parts without a host do not silently give SQLite', () => {
    expect(
      problems({ POSTGRES_HOST: 'a b', POSTGRES_PORT: '0', POSTGRES_PASSWORD: 'x', POSTGRES_PASSWORD_FILE: 'y' }),
    ).toEqual([
      'POSTGRES_HOST (database.url) must be an IP address or a host name, not "a b"',
      'POSTGRES_PORT (database.url) must be an integer from 1 to 65535, not "0"',
      'POSTGRES_PASSWORD (database.url) and POSTGRES_PASSWORD_FILE are both set; set one of them',
    ]);
    expect(problems({ POSTGRES_DB: 'parley' })).toEqual([
      'POSTGRES_DB does nothing without POSTGRES_HOST; set that, or DATABASE_URL',
    ]);
  });
});

describe('Redis by parts', () => {
  test('[O5] REDIS_* make the URL; REDIS_URL goes before them', () => {
    write('pw', 'p@ss/w#rd\n');
    const config = load({ REDIS_HOST: 'cache', REDIS_PASSWORD_FILE: join(cwd, 'pw') });
    expect(config.redis.url).toBe('redis://:p%40ss%2Fw%23rd@cache:6379');
    expect(config.sources['redis.url']).toBe('env REDIS_HOST');
    expect(load({ REDIS_HOST: '::1', REDIS_PORT: '6380' }).redis.url).toBe('redis://[::1]:6380');
    expect(load({ REDIS_HOST: 'cache', REDIS_URL: 'rediss://other:1/2' }).redis.url).toBe('rediss://other:1/2');
    // Kubernetes makes this one for a service of that name, and it means nothing without a host.
    expect(load({ REDIS_PORT: 'tcp://10.0.0.1:6379' }).redis.url).toBeUndefined();
  });

  test('bad parts and URLs are named, never with the password', () => {
    expect(problems({ REDIS_HOST: 'a b', REDIS_PORT: '0' })).toEqual([
      'REDIS_HOST (redis.url) must be an IP address or a host name, not "a b"',
      'REDIS_PORT (redis.url) must be an integer from 1 to 65535, not "0"',
    ]);
    for (const url of ['redis://:hunter2@', 'http://:hunter2@cache', 'cache:6379', 'redis://:hunter2@cache/name']) {
      const [problem] = problems({ REDIS_URL: url });
      expect(problem).toMatch(/^REDIS_URL \(redis\.url\) must /);
      expect(problem).not.toContain('hunter2');
    }
  });

  test('[I1] the password is shown nowhere, and the rest of the URL is', () => {
    const config = load({ REDIS_URL: 'rediss://me:hun%23ter@cache:1/2' });
    const shown = shownSettings(config).find(({ path }) => path === 'redis.url');
    expect(shown?.value).toBe('rediss://me:********@cache:1/2');
    expect(secretValues(config)).toEqual(['hun%23ter', 'hun#ter']);
  });
});
