/** What the build does to chunks after the bundler: they take each other's names once. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bindChunks } from '../scripts/bind-chunks.mjs';
import { programPath } from './support/program.ts';

const require = createRequire(import.meta.url);

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'parley-chunks-'));
  mkdirSync(join(dir, 'chunks'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** As rolldown writes them. */
const getter = (name: string, local = name) =>
  `Object.defineProperty(exports, "${name}", {\n\tenumerable: true,\n\tget: function() {\n\t\treturn ${local};\n\t}\n});\n`;
const write = (file: string, text: string) => writeFileSync(join(dir, file), text);

describe('bindChunks()', () => {
  test('takes constants, functions and classes once, under names of their own', () => {
    write(
      'chunks/a.js',
      `const one = 1;\nfunction two$() {\n\treturn 2;\n}\nvar Three = class Three {};\n${getter('one')}${getter('two$')}${getter('Third', 'Three')}exports.plain = one;\n`,
    );
    write(
      'main.js',
      `const require_a = require("./chunks/a.js");\nexports.sum = () => require_a.one + require_a.two$() + require_a.plain;\nexports.third = new require_a.Third().constructor.name;\n`,
    );
    expect(bindChunks(dir)).toEqual({ bound: 4, left: [] });
    expect(readFileSync(join(dir, 'main.js'), 'utf8').split('\n')).toHaveLength(4);
    expect(readFileSync(join(dir, 'main.js'), 'utf8')).not.toContain('require_a.');
    const main = require(join(dir, 'main.js')) as { sum(): number; third: string };
    expect([main.sum(), main.third]).toEqual([4, 'Three']);
  });

  test('leaves what gets another value later, or is no export that it knows', () => {
    write(
      'chunks/a.js',
      `let count = 0;\nvar late = 1;\nfunction word() {\n\treturn "first";\n}\nfunction next() {\n\t++count;\n\tlate = 2;\n\tword = () => "second";\n}\n${['count', 'late', 'word', 'next'].map((name) => getter(name)).join('')}`,
    );
    write(
      'main.js',
      `const require_a = require("./chunks/a.js");\nrequire_a.next();\nexports.seen = [require_a.count, require_a.late, require_a.word(), require_a.none];\n`,
    );
    const { bound, left } = bindChunks(dir);
    expect(bound).toBe(1);
    expect(left).toEqual(['count', 'late', 'word', 'none'].map((name) => `main.js: require_a.${name}`));
    expect((require(join(dir, 'main.js')) as { seen: unknown[] }).seen).toEqual([1, 2, 'second', undefined]);
  });

  test.each([
    '[late] = [2];',
    '[, late] = [1, 2];',
    '({ late } = { late: 2 });',
    '({ word: late } = { word: 2 });',
    'for (late of [2]);',
  ])('leaves what is written by %s', (written) => {
    write('chunks/a.js', `var late = 1;\nfunction next() {\n\t${written}\n}\n${getter('late')}${getter('next')}`);
    write(
      'main.js',
      'const require_a = require("./chunks/a.js");\nrequire_a.next();\nexports.seen = require_a.late;\n',
    );
    expect(bindChunks(dir)).toEqual({ bound: 1, left: ['main.js: require_a.late'] });
    expect((require(join(dir, 'main.js')) as { seen: number }).seen).toBe(2);
  });

  test('refuses chunks that need each other', () => {
    write('chunks/a.js', `const require_b = require("./b.js");\nconst one = 1;\n${getter('one')}`);
    write('chunks/b.js', `const require_a = require("./a.js");\nconst two = 2;\n${getter('two')}`);
    expect(() => bindChunks(dir)).toThrow('Chunks need each other: chunks/a.js -> chunks/b.js -> chunks/a.js');
  });

  test('has bound what the program is made of', () => {
    const dist = join(dirname(programPath()), '..');
    // Those of the build before lie beside them.
    const { built } = JSON.parse(readFileSync(join(dist, '.build.json'), 'utf8')) as { built: string[] };
    const servers = built.filter((file) => /^chunks\/server-[^.]+\.js$/.test(file));
    expect(servers).not.toEqual([]);
    for (const file of built.filter((name) => name.endsWith('.js') && /^(?:chunks|cli)\//.test(name))) {
      // As modules are.
      expect(readFileSync(join(dist, file), 'utf8')).toMatch(/^(?:#!.*\n)?"use strict";\n/);
    }
    for (const file of servers) {
      const text = readFileSync(join(dist, file), 'utf8');
      expect(text).toMatch(/^const (require_\w+) = require\("\.\/[^"]+"\); const \{ .+ \} = \1;$/m);
      expect(text.match(/(?<![\w$.])require_(?:errors|signature)\.\w+/g)).toBeNull();
    }
  });
});
