// Suite: blocking send, streaming send, a send whose agent awaits between its events, get. 32 connections.
import { median, medianOf, round } from '../harness/stats.mjs';

export const coreArms = [
  'raw-http',
  'raw-sqlite',
  'sdk-memory',
  'sdk-sqlite',
  'sdk-sqlite-full',
  'sdk-postgres',
  'parley-sqlite',
  'parley-postgres',
];

const TITLES = {
  send: 'SendMessage, blocking, 1,000 characters',
  stream: 'SendStreamingMessage, 1,000 characters',
  awaiting: 'SendMessage, blocking, the agent awaits timers between its events',
  get: 'GetTask',
};

export async function core(runner, options) {
  const arms = await runner.upAll(runner.names(coreArms));
  for (const kind of options.loads) {
    // Without this the first rounds show the compiler: up to twice the CPU per request of later ones, and with a second of it
    // the first load of a server still cost a fifth more than the next one, which does more.
    const warmUp = ['--seconds', '4', '--warmup', '0'];
    for (const arm of arms) await runner.warmUp(arm, kind, warmUp);
    for (let i = 0; i < options.rounds; i++) {
      // Each round begins with another arm: who is first after a pause gets some 6 % more of a machine than who is second.
      const start = Math.floor((i * arms.length) / options.rounds);
      for (const arm of [...arms.slice(start), ...arms.slice(0, start)]) {
        await runner.load(arm, 'core', kind, ['--seconds', String(options.seconds), '--warmup', '0.7']);
      }
    }
    const base = arms.find((arm) => arm.name === 'sdk-memory') ?? arms[0];
    const of = (arm) => runner.select({ suite: 'core', kind, arm: arm.name });
    const basePerCpu = median(of(base).map((r) => r.perCpuSecond));
    runner.table(
      TITLES[kind] ?? kind,
      ['arm', 'req/s', 'p50 ms', 'p99 ms', 'CPU ms/req', 'req/CPU-s', `× ${base.name}`, 'events/s', 'bad'].concat([
        'server cores',
        'generator cores',
        'other cores',
      ]),
      arms.map((arm) => {
        const records = of(arm);
        const perCpu = medianOf(records, 'perCpuSecond');
        return [
          arm.name,
          medianOf(records, 'rps'),
          medianOf(records, 'p50'),
          medianOf(records, 'p99'),
          medianOf(records, 'cpuMsPerRequest'),
          perCpu,
          round(perCpu / basePerCpu),
          medianOf(records, 'eventsPerSec'),
          records.reduce((sum, r) => sum + r.bad, 0),
          medianOf(records, 'serverCores'),
          medianOf(records, 'generatorCores'),
          medianOf(records, 'otherCores'),
        ];
      }),
    );
  }
  await runner.downAll(arms);
}
