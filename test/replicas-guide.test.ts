/** docs/operations/replicas.md: every command and statement in it can be run, and what it says of defaults is so. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { KEYS } from '../src/config/schema.ts';
import { newMigratedDatabase, postgresSkipped } from './support/postgres-database.ts';
import { programPath } from './support/program.ts';

const root = resolve(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs/operations/replicas.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

test.skipIf(postgresSkipped !== undefined)('[O15] every SQL statement in it runs on a database of Parley', async () => {
  const { database } = await newMigratedDatabase();
  const statements = blocks('sql').flatMap((text) => text.split(';\n').filter((one) => one.trim() !== ''));
  expect(statements.length).toBeGreaterThanOrEqual(3);
  for (const statement of statements) expect(await database.query(statement)).toBeInstanceOf(Array);
});

test('[O15] the shell understands every command in it, and the scripts, files and commands that they name are there', async () => {
  const shell = blocks('sh').join('\n');
  expect(spawnSync('sh', ['-n'], { input: shell, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [...guide.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  expect(named).toContain('replicas');
  for (const name of named) expect(scripts).toHaveProperty(name);
  for (const [, file = ''] of shell.matchAll(/-f (\S+)/g))
    expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  for (const [, file = ''] of guide.matchAll(/`(deploy\/[\w.]+)`/g)) {
    expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  }
  const commands = [...guide.matchAll(/node dist\/cli\/main\.js ((?:[a-z]+(?:-[a-z]+)* ?)+)(--\w+)?/g)];
  expect(commands.length).toBeGreaterThan(0);
  for (const [, command = '', option = ''] of commands) {
    const words = command.trim().split(' ');
    const { stdout } = await promisify(execFile)(process.execPath, [programPath(), ...words, '--help']);
    expect(stdout).toContain(`parley ${words.join(' ')}`);
    expect(stdout).toContain(option);
  }
});

test('[O15] the defaults that it names are those of the program', () => {
  const defaults = Object.fromEntries(KEYS.map(({ path, defaultValue }) => [path, defaultValue]));
  const unit = { ms: 1, s: 1000, h: 3_600_000 };
  const told = [...guide.matchAll(/`([a-z]\w+\.\w+Ms)` \((\d+) (ms|s|h)\)/g)];
  expect(told.length).toBeGreaterThanOrEqual(5);
  for (const [, path = '', number = '', name = ''] of told) {
    expect([path, Number(number) * unit[name as keyof typeof unit]]).toEqual([path, defaults[path]]);
  }
  expect(Number(defaults['database.pool.size']) + Number(defaults['database.pool.overflow'])).toBe(30);
});
