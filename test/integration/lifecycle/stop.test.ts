/** Starting and stopping when something else has gone wrong: the process ends, and says what it was. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openConnection } from '../../../src/storage/sqlite/driver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';

const started: ParleyProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((parley) => parley.destroy()));
});

async function start(options: Parameters<typeof startParley>[0] = {}): Promise<ParleyProcess> {
  const parley = await startParley(options);
  started.push(parley);
  return parley;
}

test('a server whose database has broken stops on SIGTERM all the same, and says what did not stop cleanly', async () => {
  const parley = await start();
  const database = openConnection(join(parley.dataDir, 'parley.sqlite'), { timeoutMs: 5000 });
  // What the leases are given back in.
  database.exec('drop table replicas');
  database.close();
  expect(await parley.stop()).toEqual({ code: 0, signal: null });
  expect(parley.output).toContain('a part did not stop cleanly');
  expect(parley.output).toContain('no such table: replicas');
  expect(parley.output).toContain('"msg":"stopped"');
});

test('a start that fails, here on a port that is taken, ends the process with 1 and says why', async () => {
  const first = await start();
  const ports = { PORT: String(first.ports.port) };
  await expect(startParley({ env: ports })).rejects.toThrow(
    new RegExp(`exit code 1, signal null\\)[\\s\\S]*port ${first.ports.port}: the port is in use[^"]*\\(PORT\\)`),
  );
});
