/** SQLite on a disk that fills up under load, and gets room again. */
import { spawnSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { DatabaseSync } from '@photostructure/sqlite';
import { request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startParley } from '../support/server.ts';
import { waitFor } from '../support/wait-for.ts';
import { manage } from '../support/wire-client.ts';
import { check } from './checker/check.ts';
import { type Row, readStored } from './checker/stored.ts';
import { Journal, readJournals } from './journal.ts';
import { Caller } from './load/caller.ts';
import { Client } from './load/client.ts';
import { randomOf } from './random.ts';

const MIB = 1024 * 1024;

const DISK_BYTES = 16 * MIB;

/** A small file system in memory, gone after the test; undefined where this process may not make one. */
function smallDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'parley-disk-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir]).status === 0;
  onTestFinished(() => {
    // Lazily: after a failure the server still has its files open.
    if (isMounted) spawnSync('umount', ['--lazy', dir]);
    rmSync(dir, { recursive: true, force: true });
  });
  return isMounted ? dir : undefined;
}

/** Leaves so many bytes of the disk. */
async function fill(dir: string, leaveBytes: number): Promise<string> {
  const file = join(dir, 'filler');
  const { bavail, bsize } = statfsSync(dir);
  const stream = createWriteStream(file);
  stream.end(Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  await finished(stream);
  return file;
}

describe('a full disk', () => {
  test('[A10] loses nothing that was acknowledged, says so to clients and balancers, and goes on when there is room', async (context) => {
    const disk = smallDisk();
    if (disk === undefined) {
      // Not a service that could be installed: REQUIRE_SERVICES does not ask for it.
      process.stderr.write('\n!! THE TEST OF A FULL DISK IS SKIPPED: only root can mount a small one, on Linux\n\n');
      return context.skip();
    }
    const dir = mkdtempSync(join(tmpdir(), 'parley-journal-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const databaseFile = join(disk, 'parley.sqlite');
    const parley = await startParley({
      databaseUrl: `sqlite://${databaseFile}`,
      config: 'tasks:\n  leaseTtlMs: 1000\nstreams:\n  heartbeatMs: 1000\n',
      env: { LOG_LEVEL: 'fatal' },
    });
    const journal = new Journal(join(dir, 'journal.ndjson'));
    const caller = new Caller();
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    const { key, ownerId } = (await manage(parley, 'POST', '/api/v1/keys', { body: { name: 'anna' } })).json as {
      readonly key: string;
      readonly ownerId: string;
    };
    journal.write({ kind: 'owner', owner: 'anna', ownerId });
    let numbers = 0;
    const endpoints = [{ url: parley.url, grpcAddress: `127.0.0.1:${parley.ports.grpcPort}`, key }];
    const options = { owner: 'anna', endpoints, journal, caller, random: randomOf(1) };
    const client = new Client({ ...options, nextNumber: () => ++numbers, signal: over.signal });
    const text = 'x'.repeat(64 * 1024);
    const send = () => client.send({ agent: 'echo', text }, false);
    const isReady = async (): Promise<boolean> => {
      const { statusCode, body } = await request(`${parley.url}/readyz`);
      await body.dump();
      return statusCode === 200;
    };

    const first = await send();
    const streaming = client.stream({ agent: 'echo', text: '/stream count=40 interval=100' });
    const filler = await fill(disk, MIB);
    const sends = Array.from({ length: 24 }, send);
    const refused = () =>
      readJournals([journal.file]).filter((line) => line.kind === 'answered' && line.status === 503).length;
    await waitFor('sends to be refused', 20_000, () => refused() > 3);
    await waitFor('the server to say that it is not ready', 20_000, async () => !(await isReady()));
    // What is stored can be read all the same.
    expect(await client.read('echo', first.taskId)).toBe('TASK_STATE_COMPLETED');

    rmSync(filler);
    await waitFor('the server to be ready again', 20_000, isReady);
    const done = await Promise.all([...sends, streaming]);
    expect(done.map(({ state }) => state)).toEqual(done.map(() => 'TASK_STATE_COMPLETED'));
    await client.list('echo', 'REST 1.0', true);
    expect(await parley.stop()).toEqual({ code: 0, signal: null });
    await journal.close();
    await caller.close();

    const database = new DatabaseSync(databaseFile, { readOnly: true });
    const query = async (sql: string) => database.prepare(sql).all() as unknown as Row[];
    const findings = check(readJournals([journal.file]), await readStored(query));
    database.close();
    expect(findings).toEqual([]);
  }, 90_000);
});
