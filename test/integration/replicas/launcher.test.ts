/** `npm run replicas`, as a person would use it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { accepts } from '../../../scripts/replica-set/child.mjs';
import { postgresDirFor } from '../../../scripts/replica-set/postgres.mjs';
import { ReplicaSet } from '../../../scripts/replica-set/replica-set.mjs';
import { guardChild } from '../../support/child-guard.ts';
import { haproxyForTests } from '../../support/haproxy.ts';
import { freePorts } from '../../support/ports.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const postgres = await postgresForTests();
const haproxy = haproxyForTests();
const script = join(import.meta.dirname, '../../../scripts/replicas.mjs');

interface Launched {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

const launch = (args: readonly string[]): Launched => run(process.execPath, [script, ...args]);
/** A line that a person would type. */
const shell = (line: string): Launched => run('sh', ['-c', line]);

function run(command: string, args: readonly string[]): Launched {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  guardChild(child);
  let text = '';
  const collect = (chunk: string): void => {
    text += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  // SIGINT: it stops what it has started, which SIGKILL would leave behind.
  onTestFinished(async () => {
    child.kill('SIGINT');
    await ended;
  });
  return { child, output: () => text, ended };
}

/** A port with nothing on it or on those that the launcher derives from it. */
async function freeRange(): Promise<number> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    const derived = [0, 1, 2, 3, 10, 11, 12, 20, 21, 22].map((offset) => port + offset);
    if (!(await Promise.all(derived.map(accepts))).includes(true)) return port;
  }
}

describe.skipIf('skipped' in postgres || 'skipped' in haproxy)('npm run replicas', () => {
  test('[O16] starts replicas behind a balancer, says where all is and how another goes on with a stream, tells of one that dies, ends and starts single ones, and stops them at Ctrl-C', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const dir = mkdtempSync(join(tmpdir(), 'parley-replicas-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const config = join(dir, 'parley.yaml');
    writeFileSync(config, 'tasks: { leaseTtlMs: 2000 }\n');
    const port = await freeRange();
    const options = [
      '--port',
      String(port),
      '--replicas',
      '2',
      '--dir',
      dir,
      '--database',
      database.url,
      '--no-nats',
      '--config',
      config,
    ];
    const { child, output, ended } = launch(options);
    await waitFor('the table', 30_000, () => {
      if (child.exitCode !== null) throw new Error(output());
      return output().includes('Ctrl-C stops all');
    });
    const urls = [0, 10, 20].map((offset) => `http://127.0.0.1:${port + offset}`);
    for (const url of urls) expect(output()).toContain(url);
    expect(output()).not.toContain(database.url);
    expect(output()).toContain(join(dir, 'admin-key'));

    const headers = {
      authorization: `Bearer ${readFileSync(join(dir, 'admin-key'), 'utf8').trim()}`,
      'a2a-version': '1.0',
      'content-type': 'application/json',
    };
    const body = JSON.stringify({ message: { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'hello' }] } });
    const sent = await request(`${urls[0]}/a2a/message:send`, { method: 'POST', headers, body });
    expect(sent.statusCode).toBe(200);
    const { task } = (await sent.body.json()) as { readonly task: { readonly id: string } };
    for (const url of urls) {
      const read = await request(`${url}/a2a/tasks/${task.id}`, { headers });
      expect(read.statusCode).toBe(200);
      await read.body.dump();
    }

    const taken = launch(options);
    expect(await taken.ended).toBe(2);
    expect(taken.output()).toContain(`Port ${port} is taken. Choose others with --port`);

    // What it says to type: a stream, the end of the replica that has it, and the rest of the stream from another one.
    const typed = (line: RegExp): string =>
      output()
        .split('\n')
        .find((one) => line.test(one)) ?? '';
    const stream = shell(typed(/message:stream/));
    await waitFor('events', 20_000, () => stream.output().includes('id: 5\n'));
    shell(typed(/^ {2}kill -9/));
    await stream.ended;
    const last = Number([...stream.output().matchAll(/^id: (\d+)$/gm)].at(-1)?.[1]);
    const rest = shell(typed(/:subscribe/));
    await waitFor('the rest', 20_000, () => rest.output().includes('id: '));
    expect(/^id: (\d+)$/m.exec(rest.output())?.[1]).toBe(String(last + 1));

    await waitFor('word of it', 20_000, () => output().includes('Replica r1 has ended, and is not started again'));

    const type = async (line: string, told: RegExp): Promise<void> => {
      const before = output().length;
      child.stdin?.write(`${line}\n`);
      await waitFor(`the answer to ${line}`, 30_000, () => told.test(output().slice(before)));
    };
    const [first = 0, second = 0] = [10, 20].map((offset) => port + offset);
    await type('start r1', /^r1 is ready, pid \d+$/m);
    expect(await accepts(first)).toBe(true);
    await type('start r1', /^r1 runs already$/m);
    await type('stop r2', /^r2 has ended$/m);
    expect(await accepts(second)).toBe(false);
    await type('start r2', /^r2 is ready/m);
    await type('kill r2', /^r2 has ended$/m);
    await type('kill r9', /^Commands: kill rN/m);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    for (const offset of [0, 10, 20]) expect(await accepts(port + offset)).toBe(false);
  }, 150_000);

  test('refuses what it does not know, and says what there is', async () => {
    const { ended, output } = launch(['--replicas', 'many']);
    expect(await ended).toBe(2);
    expect(output()).toContain('--replicas must be a number from 1 to 16');
    expect(output()).toContain('--database URL');
    const wrong = launch(['--database', 'sqlite:///tmp/x']);
    expect(await wrong.ended).toBe(2);
    expect(wrong.output()).toContain('--database must be a postgres:// URL');
  });
});

describe.skipIf('skipped' in haproxy)('a set of replicas', () => {
  test('[O16] that is stopped while it starts leaves nothing behind', async () => {
    if ('skipped' in haproxy) return;
    const dir = mkdtempSync(join(tmpdir(), 'parley-replicas-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const [port = 0] = await freePorts(1);
    const database = { url: 'postgres://127.0.0.1/not-asked-for' };
    const set = new ReplicaSet({ dir, program: [], replicas: [], database, haproxy: { binary: haproxy.binary, port } });
    const outcome = set.start().then(() => 'started', String);
    await set.stop();
    expect(await outcome).toContain('stopped while it started');
    expect(await accepts(port)).toBe(false);
  });
});

test('its PostgreSQL has its files where it can go there, and two clones never the same', () => {
  const [one, other] = ['one', 'other'].map((name) => {
    const clone = mkdtempSync(join(tmpdir(), `parley-${name}-`));
    onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
    return join(clone, 'data', 'replicas');
  });
  const [first, second] = [postgresDirFor(one ?? ''), postgresDirFor(other ?? '')];
  expect(first.dir).not.toBe(second.dir);
  // mkdtemp makes directories for their owner only: PostgreSQL as another user than root cannot go there.
  const isElsewhere = process.getuid?.() === 0;
  expect(first.dir === join(one ?? '', 'postgres')).toBe(!isElsewhere);
  expect(first.note?.includes(first.dir) ?? false).toBe(isElsewhere);
});
