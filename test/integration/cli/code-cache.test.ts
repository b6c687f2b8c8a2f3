/** The compiled code that the build keeps beside the program: it is used, and what cannot be used does no harm. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programPath } from '../../support/program.ts';

const run = promisify(execFile);
const VERSION = `${process.version}-${process.arch}`;

interface Load {
  readonly file: string;
  readonly isRejected: boolean | undefined;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-code-cache-'));
  // Says at the end which scripts were compiled with kept code, and whether V8 has taken it.
  writeFileSync(
    join(folder, 'probe.cjs'),
    `const vm = require('node:vm'); const { Script } = vm; const loads = [];
    vm.Script = class extends Script { constructor(text, options) { super(text, options);
      loads.push({ file: options.filename, isRejected: this.cachedDataRejected }); } };
    process.on('exit', () => process.stderr.write('\\n' + JSON.stringify(loads)));`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `parley config` of the program at `path`, and what it loaded. */
async function load(path: string, ...flags: string[]): Promise<{ stdout: string; loads: Load[] }> {
  const args = [...flags, '--require', join(folder, 'probe.cjs'), path, 'config', '--json'];
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return { stdout, loads: JSON.parse(stderr.slice(stderr.lastIndexOf('\n') + 1)) as Load[] };
}

describe('kept compiled code', () => {
  test('is there for what a start loads, and V8 takes all of it', async () => {
    const program = programPath();
    // Those of the build before lie beside them.
    const stamp = readFileSync(join(dirname(program), '..', '.build.json'), 'utf8');
    const { built } = JSON.parse(stamp) as { built: string[] };
    for (const chunk of ['commands', 'server', 'service', 'migrator']) {
      const files = built.filter((file) => new RegExp(`^chunks/${chunk}-.{8}\\.js$`).test(file));
      expect(files.length).toBeGreaterThan(0);
      expect(built).toEqual(expect.arrayContaining(files.map((file) => `code-cache/${VERSION}/${basename(file)}`)));
    }
    const { loads } = await load(program);
    expect(loads.map(({ file }) => basename(file))).toContainEqual(expect.stringMatching(/^commands-/));
    expect(loads.filter(({ isRejected }) => isRejected !== false)).toEqual([]);
  });

  test('is refused by another V8, which here is one with other flags, and the program runs all the same', async () => {
    const { stdout, loads } = await load(programPath(), '--no-lazy');
    expect(loads.length).toBeGreaterThan(0);
    expect(loads.filter(({ isRejected }) => isRejected !== true)).toEqual([]);
    expect(stdout).toContain('server.port');
  });

  test('is not used where source maps are asked for', async () => {
    const { stdout, loads } = await load(programPath(), '--enable-source-maps');
    expect(loads).toEqual([]);
    expect(stdout).toContain('server.port');
  });

  test('is made by the next command of a checkout where this Node has none', async () => {
    const root = join(dirname(programPath()), '..', '..');
    const checkout = join(folder, 'checkout');
    mkdirSync(checkout);
    for (const name of ['dist', 'scripts', 'package.json', 'tsconfig.json'])
      cpSync(join(root, name), join(checkout, name), { recursive: true, preserveTimestamps: true });
    for (const name of ['node_modules', 'src', 'web']) symlinkSync(join(root, name), join(checkout, name));
    const stampFile = join(checkout, 'dist', '.build.json');
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as object;
    writeFileSync(stampFile, JSON.stringify({ ...stamp, codeOf: ['v0.0.0-x64'] }));
    const kept = join(checkout, 'dist', 'code-cache');
    rmSync(kept, { recursive: true });
    const config = () =>
      run(process.execPath, [join(checkout, 'scripts', 'cli.mjs'), 'config'], {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '' },
      });
    const first = await config();
    expect(first.stderr).toBe(`Keeping what Node ${process.version} compiles of Parley, for its next starts\n`);
    expect(readdirSync(join(kept, VERSION))).toContainEqual(expect.stringMatching(/^server-/));
    expect(await config()).toEqual({ stdout: first.stdout, stderr: '' });

    // Nothing can be kept where a file is in the way: the command runs all the same.
    rmSync(kept, { recursive: true });
    writeFileSync(kept, '');
    writeFileSync(stampFile, JSON.stringify({ ...stamp, codeOf: [] }));
    const third = await config();
    expect(third.stderr).toContain('The compiled code could not be kept');
    expect(third.stdout).toBe(first.stdout);
  });

  test('is not used when it is cut short, overwritten, damaged anywhere or of another text', async () => {
    const dist = join(dirname(programPath()), '..');
    // Two folders below the root, as its modules ask for what lies there.
    const copy = join(dist, '..', `.build-code-cache-${process.pid}`);
    try {
      mkdirSync(copy);
      for (const name of ['cli', 'chunks', 'code-cache', 'package.json'])
        cpSync(join(dist, name), join(copy, name), { recursive: true, filter: (file) => !file.endsWith('.map') });
      const program = join(copy, 'cli', 'main.js');
      const { loads: whole } = await load(program);
      const names = whole.map(({ file }) => basename(file));
      expect(names.length).toBeGreaterThan(0);
      const inCache = (name: string) => join(copy, 'code-cache', VERSION, name);
      const kept = new Map(names.map((name) => [name, readFileSync(inCache(name))]));
      const flipped = (code: Buffer, at: number) => {
        const other = Buffer.from(code);
        other[at] = (other[at] as number) ^ 1;
        return other;
      };
      const damages: ((code: Buffer) => Buffer)[] = [
        (code) => code.subarray(0, 3),
        (code) => code.subarray(0, code.length - 100),
        (code) => Buffer.alloc(code.length, 7),
        (code) => flipped(code, Math.floor(code.length / 2)),
        (code) => flipped(code, code.length - 1),
      ];
      for (const damage of damages) {
        for (const [name, code] of kept) writeFileSync(inCache(name), damage(code));
        const { stdout, loads } = await load(program);
        expect(loads).toEqual([]);
        expect(stdout).toContain('server.port');
      }
      // Of another text of the same length.
      for (const [name, code] of kept) {
        writeFileSync(inCache(name), code);
        const file = join(copy, 'chunks', name);
        const text = readFileSync(file, 'utf8');
        const changed = text.replace(/^\/\/ src/m, '// SRC');
        expect(changed).not.toBe(text);
        writeFileSync(file, changed);
      }
      expect((await load(program)).loads).toEqual([]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
