/** The command line of the chaos suite; scripts/chaos.mjs bundles it. Ends with 0, 1 (findings), or 2 (cannot run). */
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale, programFile } from '../../scripts/build.mjs';
import { findPostgresBinaries } from '../../scripts/replica-set/postgres.mjs';
import { findBroken } from './broken/find.ts';
import { BROKEN_ENGINES } from './broken/list.ts';
import { reportOf } from './report.ts';
import { type ChaosOptions, missingFor, runChaos } from './run.ts';

const USAGE = `Usage: npm run chaos -- [options]

  --minutes N       of load and faults (default 2); fractions are fine
  --seed S          repeats the choice of faults and load (default: a new one)
  --replicas N      default 3
  --clients N       at once (default 16)
  --bus nats|postgres
  --broken NAME     judge an engine that is broken on purpose, or all of them: ends with 0 when each is found out
  --report FILE     adds the result to a file, with this machine and this version
  --dir DIR         for journals, logs and the database (default ./data/chaos)`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    replicas: { type: 'string', default: '3' },
    clients: { type: 'string', default: '16' },
    bus: { type: 'string', default: 'nats' },
    broken: { type: 'string' },
    report: { type: 'string' },
    dir: { type: 'string', default: 'data/chaos' },
    help: { type: 'boolean', default: false },
  },
});

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max))
    throw new Error(`--${name} must be a number from ${min} to ${max}`);
  return value;
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { bus } = values;
  if (bus !== 'nats' && bus !== 'postgres') throw new Error('--bus must be nats or postgres');
  const missing = missingFor(bus);
  if (missing !== undefined) throw new Error(`This machine cannot run it: ${missing}`);
  if (!buildIfStale()) return 2;
  const begin = performance.now();
  const options: ChaosOptions = {
    dir: resolve(values.dir),
    bundle: join(dirname(programFile), '..'),
    seed: Math.floor(numberOf('seed', values.seed, 0, 2 ** 31)),
    seconds: Math.round(60 * numberOf('minutes', values.minutes, 0.05, 24 * 60)),
    replicas: Math.floor(numberOf('replicas', values.replicas, 2, 16)),
    clients: Math.floor(numberOf('clients', values.clients, 1, 200)),
    bus,
    log: (text) => console.error(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${text}`),
  };
  if (values.broken !== undefined) return judgeBroken(values.broken, options);
  const result = await runChaos(options);
  const text = reportOf(options, result);
  console.log(text);
  options.log(`journals and logs are in ${options.dir}`);
  if (values.report !== undefined) appendFileSync(values.report, `${surroundings()}\n\n${text}\n\n`);
  return result.findings.length === 0 ? 0 : 1;
}

/** When, what and where: the head of a report. */
function surroundings(): string {
  const { stdout: commit } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  const [cpu] = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const postgres = spawnSync(join(findPostgresBinaries() ?? '', 'postgres'), ['--version'], {
    encoding: 'utf8',
  }).stdout;
  return [
    `## ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${commit.trim()}`,
    '',
    `${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${memoryGib} GiB, ${type()} ${release()}, Node.js ${process.version}, ${postgres.trim()}.`,
  ].join('\n');
}

async function judgeBroken(name: string, options: ChaosOptions): Promise<number> {
  const engines = BROKEN_ENGINES.filter((engine) => name === 'all' || engine.name === name);
  if (engines.length === 0) {
    throw new Error(`--broken must be all or one of ${BROKEN_ENGINES.map((engine) => engine.name).join(', ')}`);
  }
  let missed = 0;
  for (const engine of engines) {
    const { isFound, text } = await findBroken(engine, options);
    console.log(text);
    if (!isFound) missed++;
  }
  return missed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 2;
}
