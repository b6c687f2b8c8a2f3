// Suite: from the start of the process to the first 200 on the agent card, on an empty folder and again over the same data;
// memory when idle.
import { setTimeout as sleep } from 'node:timers/promises';
import { medianOf, round } from '../harness/stats.mjs';

export const startupArms = ['sdk-memory', 'sdk-sqlite', 'portkey', 'parley-sqlite', 'parley-postgres'];

const SETTLE_MS = 1500;

export async function startup(runner, options) {
  const names = runner.names(startupArms);
  for (let i = 0; i < options.starts; i++) {
    for (const name of names) {
      const arm = await runner.up(name);
      await sleep(SETTLE_MS);
      const firstMs = round(arm.readyMs, 1);
      const rssMiB = round(runner.serverRssMiB(arm), 1);
      await runner.restart(arm);
      const labels = { suite: 'startup', kind: 'startup', arm: name };
      const values = { firstMs, againMs: round(arm.readyMs, 1), rssMiB };
      runner.record(labels, values);
      process.stderr.write(`startup ${name} ${values.firstMs} ${values.againMs}\n`);
      await runner.down(arm);
    }
  }
  runner.table(
    'Start of the process to the first 200 on the agent card',
    ['arm', 'ms, first start (empty folder)', 'ms, start again', 'RSS idle MiB'],
    names.map((name) => {
      const records = runner.select({ suite: 'startup', arm: name });
      return [name, medianOf(records, 'firstMs'), medianOf(records, 'againMs'), medianOf(records, 'rssMiB')];
    }),
  );
}
