/** `parley migrate`. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../test/support/ports.ts';
import { MIGRATIONS } from '../storage/migrations/list.ts';
import { registerMigrateCommand } from './migrate.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-migrate-'));
  dirs.push(dir);
  return dir;
}

async function run(cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  const result = { out: '', err: '', code: 0 };
  const program = new Command('parley').configureOutput({
    writeOut: (text) => void (result.out += text),
    writeErr: (text) => void (result.err += text),
  });
  registerMigrateCommand(program, { env, cwd, setExitCode: (code) => void (result.code = code) });
  await program.parseAsync(['migrate', ...args], { from: 'user' });
  return result;
}

const NAMED = MIGRATIONS.map(({ version, name }) => ({ version, name }));

describe('parley migrate', () => {
  test('[A14] brings the schema up to date, and says so the second time', async () => {
    const cwd = newDir();
    const first = await run(cwd, []);
    const file = join(cwd, 'data', 'parley.sqlite');
    expect(first).toEqual({
      out: `${NAMED.map(({ version, name }) => `applied ${version} ${name}\n`).join('')}The schema is up to date (SQLite, ${file}).\n`,
      err: '',
      code: 0,
    });
    expect(existsSync(file)).toBe(true);
    expect((await run(cwd, [])).out).toBe(`The schema is up to date (SQLite, ${file}).\n`);
  });

  test('[A14] --status shows what was applied and what is pending, and changes nothing', async () => {
    const cwd = newDir();
    // Not even a file.
    expect((await run(cwd, ['--status'])).out).toContain('(not there yet)');
    expect(existsSync(join(cwd, 'data'))).toBe(false);
    const before = JSON.parse((await run(cwd, ['--status', '--json'])).out) as Record<string, unknown>;
    expect(before).toMatchObject({
      applied: [],
      pending: NAMED,
      unknown: [],
    });
    expect((await run(cwd, ['--status'])).out).toMatch(/1 +tasks +pending\n2 +api-keys +pending\n/);
    await run(cwd, []);
    const after = JSON.parse((await run(cwd, ['--status', '--json'])).out) as Record<string, unknown>;
    expect(after).toMatchObject({ applied: NAMED, pending: [], unknown: [] });
    expect((await run(cwd, ['--status'])).out).toMatch(/1 +tasks +\d{4}-\d\d-\d\dT[\d:.]+Z\n/);
  });

  test('[A14] a path that is written with % is that of the file', async () => {
    const cwd = newDir();
    const { out } = await run(cwd, ['--json'], { DATABASE_URL: 'sqlite://./50%25%20full.sqlite' });
    expect(JSON.parse(out)).toMatchObject({ database: `SQLite, ${join(cwd, '50% full.sqlite')}` });
    expect(existsSync(join(cwd, '50% full.sqlite'))).toBe(true);
  });

  test('a database that does not answer, and a configuration that is not valid, are errors with their reason', async () => {
    const [port] = await freePorts(1);
    const silent = await run(newDir(), [], { DATABASE_URL: `postgres://someone:secret-word@127.0.0.1:${port}/x` });
    expect(silent).toMatchObject({ code: 1, out: '' });
    expect(silent.err).toMatch(/^error: The database cannot be reached: .*ECONNREFUSED/);
    expect(silent.err).not.toContain('secret-word');
    const invalid = await run(newDir(), [], { DATABASE_URL: 'mysql://x' });
    expect(invalid).toMatchObject({ code: 1, out: '' });
    expect(invalid.err).toContain('DATABASE_URL');
  });
});
