/** The commands of README.md work as they are printed: they are taken from there and run, in its order, in one shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardChild } from '../support/child-guard.ts';
import { freePorts } from '../support/ports.ts';
import { programPath } from '../support/program.ts';
import { waitFor } from '../support/wait-for.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The shell blocks under `<!-- tested -->` or `<!-- tested: NOTE -->`, in the order of the document. */
function blocks(note: string): string[] {
  const marked = readme.matchAll(/<!-- tested(?:: ([^\n]*?))? -->\n```sh\n([\s\S]*?)```/g);
  return [...marked].filter(([, said = '']) => said === note).map(([, , code = '']) => code);
}

/** What a fresh clone has, with a `data` of its own. */
const clone = mkdtempSync(join(tmpdir(), 'parley-readme-'));
let env: Record<string, string> = {};
let url = '';
let server: ChildProcess | undefined;

beforeAll(async () => {
  programPath();
  for (const name of ['dist', 'node_modules', 'package.json', 'scripts', 'src']) {
    symlinkSync(join(root, name), join(clone, name));
  }
  const [port, metricsPort, grpcPort] = await freePorts(3);
  url = `http://localhost:${port}`;
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: clone,
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    GRPC_PORT: String(grpcPort),
  };
});

afterAll(async () => {
  await stop();
  rmSync(clone, { recursive: true, force: true });
});

async function isReady(): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}/readyz`, { headersTimeout: 2000 });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

/** Ctrl-C in the terminal of `npm start`: the signal goes to the whole group. */
async function stop(): Promise<void> {
  const child = server;
  server = undefined;
  if (child?.pid === undefined || child.exitCode !== null) return;
  const exited = new Promise((done) => child.once('close', done));
  process.kill(-child.pid, 'SIGINT');
  await exited;
}

/** Runs the blocks in one shell and returns what each printed. Only the port is another than the printed one. */
async function run(codes: readonly string[]): Promise<string[]> {
  const mark = '=== next block ===';
  const script = codes.map((code) => code.replaceAll('http://localhost:8080', url)).join(`\necho; echo '${mark}'\n`);
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const shell = spawn('sh', ['-eu', '-c', script], { cwd: clone, env, stdio: [...stdio], detached: true });
  guardChild(shell);
  const { pid } = shell;
  let output = '';
  let errors = '';
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  shell.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const code = await new Promise((done) => shell.once('exit', done));
  // Whatever the commands left running in the background when they failed.
  if (code !== 0 && pid !== undefined) process.kill(-pid, 'SIGKILL');
  await Promise.all([shell.stdout, shell.stderr].map((stream) => finished(stream)));
  if (code !== 0) throw new Error(`The commands ended with ${String(code)}.\n${output}\n${errors}`);
  return output.split(mark).map((text) => text.trim());
}

const scripts = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<string, string>;

describe('README.md', () => {
  it('[O1] names two commands, for running and for testing, and their scripts are there', () => {
    expect(readme).toContain('```sh\nnpm ci && npm start\n```');
    expect(readme).toContain('```sh\nnpm ci && npm test\n```');
    expect(scripts()).toMatchObject({ start: 'exec node scripts/start.mjs', test: 'vitest run' });
    expect(blocks('').length).toBeGreaterThanOrEqual(9);
    expect(blocks('its own server').length).toBe(2);
  });

  it('[O1] has a first conversation that works as printed, against what `npm start` runs', async () => {
    server = spawn('npm', ['start'], { cwd: clone, env, stdio: 'ignore', detached: true });
    guardChild(server);
    await waitFor('/readyz to answer 200', 30_000, isReady);
    const [, card, hello, stream, answer, list, cancel, rpc, keys, issued] = await run(blocks(''));
    expect(JSON.parse(card ?? '')).toMatchObject({ name: 'Echo' });
    expect(JSON.parse(hello ?? '')).toMatchObject({
      task: { status: { state: 'TASK_STATE_COMPLETED' }, artifacts: [{ parts: [{ text: 'hello' }] }] },
    });
    expect((stream ?? '').match(/^id: \d+$/gm)).toEqual(
      ['1', '2', '3', '4', '5', '6', '7', '8'].map((id) => `id: ${id}`),
    );
    expect(answer).toContain('TASK_STATE_INPUT_REQUIRED');
    expect(answer).toContain('"text":"Oslo"');
    expect(answer).toContain('TASK_STATE_COMPLETED');
    expect(JSON.parse(list ?? '')).toMatchObject({ pageSize: 3, totalSize: 3 });
    expect(JSON.parse(cancel ?? '')).toMatchObject({ status: { state: 'TASK_STATE_CANCELED' } });
    expect(JSON.parse(rpc ?? '')).toMatchObject({ id: 1, result: { status: { state: 'TASK_STATE_CANCELED' } } });
    expect(keys).toMatch(/pk_[\w-]{43}/);
    expect(keys).toContain('my client');
    expect(JSON.parse(issued ?? '')).toMatchObject({ name: 'my other client', scopes: ['tasks:read', 'tasks:write'] });
    await stop();
  });

  it('[O1] [A10] [A9] shows that nothing is lost when the server is killed in the middle of a stream', async () => {
    const [, resumed] = await run(blocks('its own server'));
    const ids = [...(resumed ?? '').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
    await waitFor('the server to stop', 20_000, async () => !(await isReady()));
  });

  it('refers to files that are there, and to keys of the configuration that are', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const reference = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const table = [...readme.matchAll(/^\| `([A-Z_]+)`[^|]*\| `([\w.]+)` \|/gm)];
    expect(table.length).toBeGreaterThan(10);
    for (const [, variable, key] of table) expect(reference).toContain(`| \`${key}\` | \`${variable}\` |`);
  });
});
