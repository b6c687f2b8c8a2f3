// Fan-out: one working task, many subscribers on a connection each; events delivered per second and how late they were.
import { cpuSeconds, rssMiB } from '../harness/proc.mjs';
import { quantile, round } from '../harness/stats.mjs';
import { ownCpuSeconds, shoot } from './client.mjs';

/** What all subscribers saw together. Measuring starts when the last of them has its first frame (the task). */
class Tally {
  attached = 0;
  delivered = 0;
  lagsMs = [];
  attachedAt = 0;
  firstTickAt = 0;
  lastTickAt = 0;
  before = { cpu: 0, own: 0 };
  #expected;
  #pids;

  constructor(expected, pids) {
    this.#expected = expected;
    this.#pids = pids;
  }

  attach() {
    if (++this.attached < this.#expected) return;
    this.attachedAt = performance.now();
    this.before = { cpu: cpuSeconds(this.#pids), own: ownCpuSeconds() };
  }

  ticks(count, text) {
    this.lastTickAt = performance.now();
    if (this.firstTickAt === 0) this.firstTickAt = this.lastTickAt;
    this.delivered += count;
    const at = text.lastIndexOf('t=');
    const sentAt = at === -1 ? Number.NaN : Number.parseInt(text.slice(at + 2, at + 15), 10);
    if (sentAt > 1e12) this.lagsMs.push(Date.now() - sentAt);
  }
}

async function subscribe(target, pool, id, tally) {
  let seen = 0;
  try {
    const body = target.rpcBody('SubscribeToTask', JSON.stringify({ id }));
    const answer = await shoot(pool, target.path, target.streamHeaders, body, {
      onEvent(count, text) {
        const isFirst = seen === 0;
        if (isFirst) tally.attach();
        seen += count;
        const ticks = isFirst ? count - 1 : count;
        if (ticks > 0 && text.includes('tick ')) tally.ticks(ticks, text);
      },
    });
    return { events: answer.events };
  } catch (error) {
    return { events: 0, error };
  }
}

/** @param begunAt the server that gets the task; the subscribers are all at `target` */
export async function fanout(target, options, begunAt = target) {
  const { subscribers, ticks, intervalMs, delayMs } = options;
  const control = begunAt.pool(1);
  const command = JSON.stringify(`/stream count=${ticks} interval=${intervalMs} delay=${delayMs}`);
  const params = begunAt.sendParams(command).replace(/\}$/, ',"configuration":{"returnImmediately":true}}');
  const { task } = await begunAt.call(control, 'SendMessage', params);

  const pool = target.pool(subscribers);
  const tally = new Tally(subscribers, target.pids);
  const start = performance.now();
  const results = await Promise.all(Array.from({ length: subscribers }, () => subscribe(target, pool, task.id, tally)));
  const own = ownCpuSeconds() - tally.before.own;
  const cpu = cpuSeconds(target.pids) - tally.before.cpu;
  const seconds = (tally.lastTickAt - tally.firstTickAt) / 1000;
  const counts = results.map((r) => r.events);
  const failed = results.filter((r) => r.error);
  if (failed.length > 0) process.stderr.write(`${failed.length} subscribers failed: ${failed[0].error.message}\n`);
  const complete = counts.filter((count) => count >= ticks).length;
  const output = {
    subscribers,
    ticks,
    intervalMs,
    attached: tally.attached,
    attachMs: round(tally.attachedAt - start, 0),
    complete,
    bad: subscribers - complete,
    errors: failed.length,
    eventsMin: Math.min(...counts),
    eventsMax: Math.max(...counts),
    delivered: tally.delivered,
    seconds: round(seconds),
    eventsPerSec: round(tally.delivered / seconds, 0),
    lagP50ms: quantile(tally.lagsMs, 0.5),
    lagP99ms: quantile(tally.lagsMs, 0.99),
    ...(target.pids.length > 0 && {
      serverCpu: round(cpu),
      eventsPerCpuSecond: round(tally.delivered / cpu, 0),
      rssMiB: round(rssMiB(target.pids), 1),
    }),
    generatorCores: round(own / ((performance.now() - tally.attachedAt) / 1000)),
  };
  await pool.close();
  await control.close();
  return output;
}
