// The benchmark: starts arms, runs a suite against them in turn (A B C, A B C, …), prints medians and the verdict.
//   node bench/run.mjs <core|growth|startup|fanout|chunks|llm|all> [options], see README.md
//   node bench/run.mjs verdict FILE.jsonl
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { loadArms } from './harness/arms.mjs';
import { installPeers } from './harness/install.mjs';
import { describeMachine } from './harness/machine.mjs';
import { tablesSection, verdictSection, writeReport } from './harness/report.mjs';
import { Runner } from './harness/runner.mjs';
import { medianOf } from './harness/stats.mjs';
import { judge, NOT_MEASURED } from './harness/targets.mjs';
import { chunks } from './suites/chunks.mjs';
import { core } from './suites/core.mjs';
import { fanout } from './suites/fanout.mjs';
import { growth } from './suites/growth.mjs';
import { llm } from './suites/llm.mjs';
import { replicas } from './suites/replicas.mjs';
import { startup } from './suites/startup.mjs';

const SUITES = { core, growth, startup, fanout, chunks, llm, replicas };
/** What `all` runs: everything that a target speaks of. */
const ALL = ['startup', 'core', 'fanout', 'chunks', 'growth'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    arms: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' }, // of each measurement
    loads: { type: 'string', default: 'send,stream,awaiting,get' }, // core
    sizes: { type: 'string', default: '1000,10000,50000' }, // growth
    chunks: { type: 'string', default: '100,1000,4000' }, // chunks
    starts: { type: 'string', default: '5' }, // startup
    subscribers: { type: 'string', default: '500' }, // fanout
    streams: { type: 'string', default: '5000' }, // replicas: open at once, over all servers
    clients: { type: 'string', default: '4,12,48,96' }, // replicas: at once, over all servers
    ticks: { type: 'string', default: '200' }, // fanout
    interval: { type: 'string', default: '0' }, // fanout: ms between events
    out: { type: 'string' }, // write the report there
    profile: { type: 'string' }, // CPU profiles of Parley into that folder
    check: { type: 'boolean', default: false }, // exit 1 when a target is missed
  },
});
const [suite = 'core', file] = positionals;

const list = (text) => text.split(',').filter(Boolean);
const numbers = (text) => list(text).map(Number);

function finish(verdict) {
  const isMissed = verdict.some((row) => row.met === false);
  if (values.check && isMissed) process.exitCode = 1;
}

function judgeFile() {
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const verdict = judge(lines.map((text) => JSON.parse(text)));
  process.stdout.write(`${verdictSection(verdict)}\n`);
  finish(verdict);
}

/** Says how much of the machine others took: above about 0.1 cores, rates and latencies are too pessimistic. */
function noteNoise(runner) {
  const cores = medianOf(runner.records, 'otherCores');
  if (cores !== null) runner.note(`Other processes took ${cores} cores meanwhile (median over all measurements).`);
}

async function run() {
  const names = suite === 'all' ? ALL : [suite];
  installPeers();
  if (values.profile) process.env.BENCH_PROFILE = values.profile;
  const runner = new Runner(await loadArms(), values.arms && list(values.arms));
  let isInterrupted = false;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, async () => {
      isInterrupted = true;
      await runner.stop();
      process.exit(code);
    });
  }
  const options = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    starts: Number(values.starts),
    subscribers: Number(values.subscribers),
    streams: Number(values.streams),
    clients: numbers(values.clients),
    ticks: Number(values.ticks),
    interval: Number(values.interval),
    loads: list(values.loads),
    sizes: numbers(values.sizes),
    chunks: numbers(values.chunks),
  };
  const date = new Date().toISOString().slice(0, 10);
  const machine = values.out ? describeMachine() : [];
  try {
    for (const name of names) {
      try {
        await SUITES[name](runner, options);
      } catch (error) {
        if (isInterrupted) return;
        // The others still have something to say; what this one measured stays in the records.
        process.stderr.write(`${error.stack}\n`);
        runner.note(`The suite ${name} was broken off: ${error.message}.`);
        process.exitCode = 1;
        await runner.stop();
      }
    }
  } finally {
    await runner.stop();
  }
  noteNoise(runner);
  const { tables, notes, records } = runner;
  const verdict = judge(records);
  process.stdout.write(`${tablesSection(tables)}\n`);
  // A part of the suites, or other arms, says nothing about most targets: only what was measured is shown.
  const shown = suite === 'all' ? verdict : verdict.filter((row) => row.measured !== NOT_MEASURED);
  if (shown.length > 0) process.stdout.write(`\n### Verdict\n\n${verdictSection(shown)}\n`);
  if (values.out) {
    const { out: _out, profile: _profile, ...settings } = values; // these two are paths of this machine
    const flags = Object.entries(settings).flatMap(([name, value]) => (value === false ? [] : `--${name} ${value}`));
    const command = [suite, ...flags].join(' ');
    writeReport(values.out, { date, command, machine, verdict: shown, tables, notes, records });
    process.stderr.write(`written: ${values.out}\n`);
  }
  finish(verdict);
}

if (suite === 'verdict' && file) judgeFile();
else if (suite === 'all' || SUITES[suite]) await run();
else {
  process.stderr.write(
    `no suite "${suite}"; known: ${[...Object.keys(SUITES), 'all', 'verdict FILE.jsonl'].join(', ')}\n`,
  );
  process.exitCode = 2;
}
