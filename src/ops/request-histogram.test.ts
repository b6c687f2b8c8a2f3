/** The histogram of requests says in Prometheus' text form what prom-client's own would say. */
import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { DURATION_BUCKETS, RequestHistogram } from './request-histogram.ts';

it('[O3] renders the same lines as the histogram of the library, for any durations', async () => {
  const mine = new RequestHistogram();
  const registry = new Registry();
  mine.register(registry);
  const theirRegistry = new Registry();
  const theirs = new Histogram({
    name: mine.name,
    help: mine.help,
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [...DURATION_BUCKETS],
    registers: [theirRegistry],
  });
  const durations = [0, 0.0004, 0.001, 0.0011, 0.25, 0.2500001, 29.9, 30, 31, 1e6];
  for (const [index, seconds] of durations.entries()) {
    const [method, route, status] = index % 3 === 0 ? ['GET', '/a2a/*', 200] : ['POST', '/a2a', 404];
    mine.observe(String(method), String(route), Number(status), seconds);
    theirs.observe({ method: String(method), route: String(route), status: Number(status) }, seconds);
  }
  const lines = async (from: Registry) => (await from.metrics()).trim().split('\n').sort();
  expect(await lines(registry)).toEqual(await lines(theirRegistry));
});
