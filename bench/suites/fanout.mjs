// Suite: one working task and many subscribers; events delivered per second.
import { medianOf } from '../harness/stats.mjs';

export const fanoutArms = ['raw-http', 'sdk-memory', 'sdk-sqlite', 'parley-sqlite', 'parley-postgres'];

const ATTACH_MS = 2500; // the agent waits that long, so that every subscriber is there before the first event

export async function fanout(runner, options) {
  const arms = await runner.upAll(runner.names(fanoutArms));
  const { subscribers, ticks, interval } = options;
  const settings = { subscribers, ticks, interval, delay: ATTACH_MS };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  for (let i = 0; i < options.rounds; i++) {
    for (const arm of arms) await runner.load(arm, 'fanout', 'fanout', args);
  }
  runner.table(
    `Fan-out: one task, ${subscribers} subscribers, ${ticks} events`,
    ['arm', 'subscribers that got all', 'attach ms', 'events/s', 'events/CPU-s', 'lag p50 ms', 'lag p99 ms', 'RSS MiB'],
    arms.map((arm) => {
      const records = runner.select({ suite: 'fanout', arm: arm.name });
      const keys = ['complete', 'attachMs', 'eventsPerSec', 'eventsPerCpuSecond', 'lagP50ms', 'lagP99ms', 'rssMiB'];
      return [arm.name, ...keys.map((key) => medianOf(records, key))];
    }),
  );
  await runner.downAll(arms);
}
