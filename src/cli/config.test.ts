/** `parley config` and `parley config check`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Environment } from '../config/environment.ts';
import { KEYS } from '../config/schema.ts';
import { registerConfigCommands } from './config.ts';

const KEY = 'Vx3kPq9sTz7wLm2nRb5c';
let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-cli-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function run(args: string[], env: Environment = {}) {
  const result = { out: '', err: '', exitCode: 0 };
  const program = new Command('parley').exitOverride().configureOutput({
    writeOut: (text) => void (result.out += text),
    writeErr: (text) => void (result.err += text),
  });
  registerConfigCommands(program, { env, cwd, setExitCode: (code) => void (result.exitCode = code) });
  program.parse(args, { from: 'user' });
  return result;
}

test('[O5] config check says that the configuration is valid, and which file it read', () => {
  expect(run(['config', 'check'])).toEqual({
    out: 'configuration is valid (no configuration file: defaults, and the environment with .env)\n',
    err: '',
    exitCode: 0,
  });
  writeFileSync(join(cwd, 'parley.yaml'), 'env: test\n');
  expect(run(['config', 'check']).out).toBe(`configuration is valid (${join(cwd, 'parley.yaml')})\n`);
});

test('[O5] config check names each bad key and exits with 1', () => {
  writeFileSync(join(cwd, 'parley.yaml'), 'server:\n  prot: 1\n');
  expect(run(['config', 'check'], { PORT: 'x' })).toEqual({
    out: '',
    err: 'parley.yaml:2:3: server.prot is no known key; did you mean "server.port"?\nPORT (server.port) must be an integer from 0 to 65535, not "x"\n',
    exitCode: 1,
  });
});

test('config prints every value with its source, secrets masked', () => {
  writeFileSync(join(cwd, 'parley.yaml'), 'server:\n  corsOrigins: ["https://a.example.com"]\n');
  const { out, exitCode } = run(['config'], {
    ADMIN_API_KEY: KEY,
    PORT: '81',
    DATABASE_URL: 'postgres://u:hunter22@db/x',
  });
  expect(exitCode).toBe(0);
  expect(out).toContain('\nserver:\n  host: "127.0.0.1" # default\n  port: 81 # env PORT\n');
  expect(out).toContain('  corsOrigins: [https://a.example.com] # parley.yaml:2\n');
  expect(out).toContain('  adminKey: "********" # env ADMIN_API_KEY\n');
  expect(out).toContain('  url: "postgres://u:********@db/x" # env DATABASE_URL\n');
  expect(out).toContain('  tls:\n    certFile: # not set\n');
  expect(out).not.toContain(KEY);
  expect(out).not.toContain('hunter22');
});

test('what config prints is YAML that gives the same configuration again', () => {
  const env = { PUBLIC_URL: 'https://x.example.com/a', LOG_DIR: 'on', ALLOWED_HOSTS: 'no,[::1],7.example.com' };
  const { out } = run(['config'], env);
  writeFileSync(join(cwd, 'parley.yaml'), out);
  const first = JSON.parse(run(['config', '--json'], env).out);
  const second = JSON.parse(run(['config', '--json'], {}).out);
  expect(second.config).toEqual(first.config);
  expect(parse(out)).toEqual(first.config);
});

test('config --json has the values, and the source of every key', () => {
  const json = JSON.parse(run(['config', '--json'], { ADMIN_API_KEY: KEY }).out);
  expect(json.configFile).toBeNull();
  expect(json.config.auth.adminKey).toBe('********');
  expect(json.config.server.port).toBe(8080);
  expect(Object.keys(json.sources)).toEqual(KEYS.map(({ path }) => path));
});

test('config with a problem prints the problem, nothing else, and exits with 1', () => {
  const { out, err, exitCode } = run(['config'], { AUTH: 'x' });
  expect({ out, err, exitCode }).toEqual({
    out: '',
    err: 'AUTH (auth.mode) must be one of key, none, not "x"\n',
    exitCode: 1,
  });
});
