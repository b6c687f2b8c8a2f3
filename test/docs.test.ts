/** What the documents say of metrics, configuration keys, files and code is so. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { KEYS } from '../src/config/schema.ts';
import { createMetrics } from '../src/ops/metrics.ts';

const root = resolve(import.meta.dirname, '..');
const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
const documents = ['README.md', ...below.map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'));
const textOf = (name: string): string => readFileSync(join(root, name), 'utf8');

it('[O3] docs/operations.md lists every metric of Parley with its labels, and no document names another', () => {
  const metrics = createMetrics();
  metrics.observe({
    runningTasks: () => 0,
    queuedTasks: () => 0,
    queuedWrites: () => 0,
    openStreams: () => 0,
    agents: () => 0,
    isBusUp: () => true,
    outbox: () => ({ pending: 0, dead: 0, oldestAgeMs: 0 }),
    isCountingTogether: () => true,
  });
  const named = documents.flatMap((name) =>
    [...textOf(name).matchAll(/`(parley_[a-z]\w+)[`{]/g)].map(([, one]) => one),
  );
  const known = new Set(metrics.registry.getMetricsAsArray().map(({ name }) => name));
  expect(named.filter((name = '') => !known.has(name.replace(/_(count|sum|bucket)$/, '')))).toEqual([]);
  const own = metrics.registry.getMetricsAsArray().filter(({ name }) => !/^(process|nodejs)_/.test(name));
  const actual = own.map((metric) => {
    const labels = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
    return labels.length === 0 ? metric.name : `${metric.name}{${labels.join(',')}}`;
  });
  const listed = [...textOf('docs/operations.md').matchAll(/^\| `(\w+_\w+(?:\{[\w,]+\})?)` \|/gm)].map(
    ([, name]) => name,
  );
  expect(listed.sort()).toEqual(actual.sort());
});

it('every configuration key that a document names is there', () => {
  const known = new Set(KEYS.map(({ path }) => path));
  const sections = [...new Set([...known].map((path) => path.split('.')[0]))].join('|');
  const pattern = new RegExp(`\`((?:${sections})\\.\\w+(?:\\.\\w+)?)\``, 'g');
  // The reference itself is written from the schema.
  for (const name of documents.filter((one) => one !== 'docs/configuration.md')) {
    const named = [...textOf(name).matchAll(pattern)].map(([, path = '']) => path);
    expect([name, named.filter((path) => !known.has(path))]).toEqual([name, []]);
  }
});

it('every link between the documents has its target', () => {
  for (const name of documents) {
    const links = [...textOf(name).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      const [path = '', heading] = link.split('#');
      const file = path === '' ? join(root, name) : join(root, dirname(name), path);
      if (!existsSync(file)) return true;
      return heading !== undefined && !headings(readFileSync(file, 'utf8')).includes(heading);
    });
    expect([name, broken]).toEqual([name, []]);
  }
});

/** As GitHub makes them. */
const headings = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s+/g, '-'),
  );

it('the agent of docs/agents.md compiles', async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(textOf('docs/agents.md')) ?? [];
  if (code === undefined) throw new Error('docs/agents.md has no example');
  const dir = mkdtempSync(join(tmpdir(), 'parley-example-'));
  try {
    writeFileSync(join(dir, 'agent.ts'), code.replaceAll("'../../core/", `'${root}/src/core/`));
    const typeRoots = [join(root, 'node_modules/@types')];
    const tsconfig = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots, rewriteRelativeImportExtensions: false },
      include: ['agent.ts'],
    };
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(tsconfig));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [compiler, '-p', dir], { cwd: dir, timeout: 60_000 });
    const output = await run.then(
      ({ stdout }) => stdout,
      (error: { stdout?: string }) => error.stdout ?? 'agent.ts: the compiler did not run',
    );
    expect(output.split('\n').filter((line) => line.startsWith('agent.ts'))).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
