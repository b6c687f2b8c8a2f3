// Suite: fills each arm to a number of finished tasks; what a list page and a get cost there, and the server's memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { medianOf, round } from '../harness/stats.mjs';

export const growthArms = ['raw-sqlite', 'sdk-memory', 'sdk-sqlite', 'parley-sqlite', 'parley-postgres'];

const IDS_PER_GET_RUN = 100; // a get run makes its own tasks to read
const SETTLE_MS = 2000;

export async function growth(runner, options) {
  const arms = await runner.upAll(runner.names(growthArms));
  await sleep(SETTLE_MS);
  const sent = new Map(arms.map((arm) => [arm, 0]));
  for (const arm of arms) {
    const rssMiB = round(runner.serverRssMiB(arm), 1);
    runner.record({ suite: 'growth', kind: 'rss', arm: arm.name, size: 0 }, { rssMiB });
  }
  for (const size of options.sizes) {
    for (const arm of arms) {
      const count = Math.max(1, size - sent.get(arm));
      await runner.load(arm, 'growth', 'send', ['--count', String(count), '--warmup', '0'], { size });
      await sleep(SETTLE_MS);
      const rssMiB = round(runner.serverRssMiB(arm), 1);
      runner.record({ suite: 'growth', kind: 'rss', arm: arm.name, size }, { rssMiB });
    }
    const listArgs = ['--seconds', String(options.seconds), '--warmup', '0.5', '--page-size', '50'];
    const getArgs = ['--seconds', String(options.seconds), '--warmup', '0.5', '--ids', String(IDS_PER_GET_RUN)];
    if (size === options.sizes[0]) await warmUp(runner, arms, { list: listArgs, get: getArgs });
    for (let i = 0; i < options.rounds; i++) {
      for (const arm of arms) await runner.load(arm, 'growth', 'list', listArgs, { size });
    }
    for (let i = 0; i < options.rounds; i++) {
      for (const arm of arms) await runner.load(arm, 'growth', 'get', getArgs, { size });
    }
    const readRuns = options.rounds + (size === options.sizes[0] ? 1 : 0);
    for (const arm of arms) sent.set(arm, size + IDS_PER_GET_RUN * readRuns);
  }
  const rows = arms.flatMap((arm) => options.sizes.map((size) => row(runner, arm, size)));
  runner.table(
    'A list page of 50 and a get, by the number of finished tasks; 8 and 32 connections',
    [
      'arm',
      'tasks',
      'list/s',
      'p50 ms',
      'p99 ms',
      'CPU ms/list',
      'reply bytes',
      'CPU ms/get',
      'send/s on the way',
    ].concat(['CPU ms/send', 'RSS MiB', 'RSS over idle, KiB/task', 'send/s per 5,000']),
    rows,
  );
  await runner.downAll(arms);
}

/** Else the smallest size pays for the compiler, and reads look flatter than they are. */
async function warmUp(runner, arms, loads) {
  for (const [kind, args] of Object.entries(loads)) {
    for (const arm of arms) await runner.warmUp(arm, kind, args);
  }
}

function row(runner, arm, size) {
  const of = (kind, at = size) => runner.select({ suite: 'growth', kind, arm: arm.name, size: at });
  const lists = of('list');
  const [send] = of('send');
  const [rss] = of('rss');
  const [idle] = of('rss', 0);
  return [
    arm.name,
    size,
    medianOf(lists, 'rps'),
    medianOf(lists, 'p50'),
    medianOf(lists, 'p99'),
    medianOf(lists, 'cpuMsPerRequest'),
    medianOf(lists, 'bytesPerReply'),
    medianOf(of('get'), 'cpuMsPerRequest'),
    send.rps,
    send.cpuMsPerRequest,
    rss.rssMiB,
    round(((rss.rssMiB - idle.rssMiB) * 1024) / size),
    thinned(send.rpsPer5000 ?? []).join(' '),
  ];
}

/** At most a dozen of them, evenly apart, the first and the last included. */
function thinned(values, count = 12) {
  if (values.length <= count) return values;
  return Array.from({ length: count }, (_, i) => values[Math.round((i * (values.length - 1)) / (count - 1))]);
}
