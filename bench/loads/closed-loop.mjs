// The closed loop: N workers, each of which sends its next request when its last one was answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, machineCpuSeconds, rssMiB } from '../harness/proc.mjs';
import { quantile, round } from '../harness/stats.mjs';
import { ownCpuSeconds, shoot } from './client.mjs';

const BUCKET = 5000; // requests per entry of rpsPer5000

/**
 * Runs `make()` as the body of each request, for `seconds` or `count` requests after the warm-up. An answer that is not
 * 200, lacks `expect`, or has no events where `needsEvents` is set counts as bad (in the warm-up too).
 */
export async function closedLoop(target, options, make, shape) {
  const { connections, path = target.path, headers = target.headers, expect, needsEvents = false } = shape;
  const pool = target.pool(connections);
  const limit = options.count ?? Number.POSITIVE_INFINITY;
  const latencies = [];
  const firstBytes = [];
  const buckets = [];
  const sum = { events: 0, bytes: 0, bad: 0, issued: 0 };
  let isMeasuring = false;
  let isStopping = false;
  let bucketStart = 0;

  async function worker() {
    while (!isStopping && (!isMeasuring || sum.issued < limit)) {
      const isCounted = isMeasuring;
      if (isCounted) sum.issued++;
      const start = performance.now();
      const answer = await shoot(pool, path, headers, make(), { expect });
      if (answer.status !== 200 || !answer.ok || (needsEvents && answer.events === 0)) reportBad(answer);
      if (!isCounted || isStopping) continue;
      const end = performance.now();
      latencies.push(end - start);
      firstBytes.push(answer.firstAt - start);
      sum.events += answer.events;
      sum.bytes += answer.bytes;
      if (latencies.length % BUCKET === 0) {
        buckets.push(Math.round(BUCKET / ((end - bucketStart) / 1000)));
        bucketStart = end;
      }
    }
  }

  function reportBad(answer) {
    sum.bad++;
    if (sum.bad > 1) return;
    process.stderr.write(`bad answer: HTTP ${answer.status}, ${answer.bytes} bytes, ${answer.events} events\n`);
  }

  const workers = Array.from({ length: connections }, worker);
  await sleep(options.warmupSeconds * 1000);
  const before = { cpu: cpuSeconds(target.pids), own: ownCpuSeconds(), machine: machineCpuSeconds() };
  const start = performance.now();
  bucketStart = start;
  isMeasuring = true;
  if (options.count === undefined) await sleep(options.seconds * 1000);
  else await Promise.all(workers);
  isStopping = true;
  const seconds = (performance.now() - start) / 1000;
  const cpu = cpuSeconds(target.pids) - before.cpu;
  const own = ownCpuSeconds() - before.own;
  const others = Math.max(0, machineCpuSeconds() - before.machine - cpu - own);
  await Promise.all(workers);
  await pool.close();

  const done = latencies.length;
  return {
    connections,
    seconds: round(seconds),
    requests: done,
    bad: sum.bad,
    rps: round(done / seconds, 1),
    p50: round(quantile(latencies, 0.5)),
    p99: round(quantile(latencies, 0.99)),
    ...(sum.events > 0 && {
      eventsPerSec: round(sum.events / seconds, 0),
      eventsPerRequest: round(sum.events / done),
      firstByteP50: round(quantile(firstBytes, 0.5)),
    }),
    bytesPerReply: Math.round(sum.bytes / Math.max(1, done)),
    ...(target.pids.length > 0 && {
      serverCpu: round(cpu),
      serverCores: round(cpu / seconds),
      perCpuSecond: round(done / cpu, 1),
      cpuMsPerRequest: round((cpu * 1000) / done, 4),
      rssMiB: round(rssMiB(target.pids), 1),
    }),
    generatorCores: round(own / seconds),
    otherCores: round(others / seconds),
    ...(options.count !== undefined && buckets.length > 1 && { rpsPer5000: buckets }),
  };
}
