/** Where a run puts its files. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { prepareDirectory } from './directory.ts';

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-chaos-dir-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a directory with anything of somebody else is refused, and left as it is', () => {
  const file = join(directory(), 'thesis', 'chapter-1.txt');
  mkdirSync(join(file, '..'));
  writeFileSync(file, 'long');
  expect(() => prepareDirectory(join(file, '../..'))).toThrow('name another one with --dir');
  expect(existsSync(file)).toBe(true);
});

test('one that is new, empty, or of an earlier run is used, without what that one left', () => {
  const dir = join(directory(), 'new');
  prepareDirectory(dir);
  writeFileSync(join(dir, 'parley.log'), 'old');
  prepareDirectory(dir);
  expect(existsSync(join(dir, 'parley.log'))).toBe(false);
  expect(() => prepareDirectory(directory())).not.toThrow();
});
