/** The `parley` command as a process: its exit codes and what it prints, in an empty directory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runParley } from '../../support/program.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-cli-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

test('[O5] config check names the bad key with its line, and exits with 1', async () => {
  writeFileSync(join(cwd, 'parley.yaml'), 'server:\n  prot: 8080\n');
  const { code, stdout, stderr } = await runParley(['config', 'check'], { cwd });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/parley\.yaml:2:\d+: server\.prot .*server\.port/);
});

test('[O5] serve does not start with a bad value, names it, and exits with 2', async () => {
  const { code, stderr } = await runParley(['serve'], { cwd, env: { PORT: 'eighty' } });
  expect(code).toBe(2);
  expect(stderr).toMatch(/the configuration is not valid:\n {2}.*PORT.*server\.port/);
});

test('[I1] serve does not start in production without an admin key, or with a default one', async () => {
  const production = { NODE_ENV: 'production' };
  const none = await runParley(['serve'], { cwd, env: production });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('auth.adminKey is not set')]);
  const key = 'replace-with-strong-admin-api-key';
  const weak = await runParley(['serve'], { cwd, env: { ...production, ADMIN_API_KEY: key } });
  expect([weak.code, weak.stderr]).toEqual([2, expect.stringContaining('auth.adminKey')]);
  expect(weak.stderr).not.toContain(key);
});

test('an unknown command is refused, with the ones that there are', async () => {
  for (const words of [['sevre'], ['key', 'list', 'all']]) {
    const { code, stderr } = await runParley(words, { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(`error: unknown command '${words[0] ?? ''}'`);
    expect(stderr).toMatch(/^ {2}serve .*run the server/m);
    expect(stderr).toMatch(/^ {2}keys /m);
  }
});
