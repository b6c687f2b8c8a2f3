/** The short form of `npm run chaos`, and the proof that its judge is not blind. The long form is run by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { skippedBecause } from '../support/missing-service.ts';
import { programPath } from '../support/program.ts';
import { editedSources } from './broken/build.ts';
import { findBroken } from './broken/find.ts';
import { BROKEN_ENGINES } from './broken/list.ts';
import { reportOf } from './report.ts';
import { type ChaosOptions, missingFor, runChaos } from './run.ts';
import { FORMS } from './wire/call.ts';

const missing = missingFor('nats');
if (missing !== undefined) skippedBecause('THE CHAOS TESTS', `there is ${missing}`);

function optionsOf(options: Pick<ChaosOptions, 'bus' | 'seed' | 'seconds'>): ChaosOptions {
  const dir = mkdtempSync(join(tmpdir(), 'parley-chaos-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const bundle = join(dirname(programPath()), '..');
  return { dir, bundle, replicas: 3, clients: 10, log: () => undefined, ...options };
}

describe.skipIf(missing !== undefined)('chaos', () => {
  test('[A3, A7, A9, A10, A11, O16] three replicas keep every promise while processes, database and bus fail', async () => {
    const options = optionsOf({ bus: 'nats', seed: 20, seconds: 12 });
    const result = await runChaos(options);
    if (result.findings.length > 0) throw new Error(reportOf(options, result));
    // A run in which nothing happened proves nothing.
    expect(result.tasks).toBeGreaterThan(30);
    expect([...result.faults.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4);
    const fewest = Math.min(...(['event', 'pushed', 'read'] as const).map((kind) => result.lines.get(kind) ?? 0));
    expect(fewest).toBeGreaterThan(20);
    expect(Math.min(...FORMS.map((form) => result.forms.get(form) ?? 0))).toBeGreaterThan(5);
  }, 150_000);

  test('[O18] an engine that leaves an event out of its streams is found out', async () => {
    const engine = BROKEN_ENGINES.find(({ name }) => name === 'gap-in-streams');
    if (engine === undefined) throw new Error('it is not in the list');
    const found = await findBroken(engine, optionsOf({ bus: 'postgres', seed: 21, seconds: 4 }));
    expect(found).toMatchObject({ isFound: true });
  }, 90_000);
});

test.each(BROKEN_ENGINES)('[O18] the broken engine $name can still be made from this one', (engine) => {
  expect(editedSources(engine).size).toBeGreaterThan(0);
});
