/** What load balancers, browsers and Prometheus ask first. */
import { describe, expect, test } from 'vitest';
import { startParley } from '../../support/server.ts';
import { bearer, http } from './wire.ts';

const parley = await startParley();

describe.each([parley.url, parley.metricsUrl])('at %s', (url) => {
  test.each(['/healthz', '/readyz'])('[O2] %s is 200 {"ok":true} without a key, and never cached', async (path) => {
    const { status, text, headers } = await http(`${url}${path}`);
    expect([status, text]).toEqual([200, '{"ok":true}']);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['cache-control']).toBe('no-store');
    expect(await http(`${url}${path}`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });
});

test.each(['/', '/health', '/ui/metrics', '/ui/live-metrics'])(
  '[O2] GET and HEAD of %s are 200 without a key',
  async (path) => {
    for (const method of ['GET', 'HEAD']) {
      const { status } = await http(`${parley.url}${path}`, { method });
      expect([method, status]).toEqual([method, 200]);
    }
  },
);

test('[O2] the data behind the pages needs a key', async () => {
  for (const path of ['/a2a/tasks', '/v1/tasks', '/api/v1/keys']) {
    const { status } = await http(`${parley.url}${path}`);
    expect([path, [401, 404].includes(status)]).toEqual([path, true]);
  }
});

test('[O2, O3] /metrics is on METRICS_PORT in the format of Prometheus, and not on PORT', async () => {
  const { status, headers, text } = await http(`${parley.metricsUrl}/metrics`);
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toMatch(/^# HELP \w+/m);
  for (const line of text.split('\n')) expect(line).toMatch(/^(|#.*|[a-zA-Z_:][\w:]*(\{.*\})? [-+.\dNaInfe]+)$/);
  expect((await http(`${parley.url}/metrics`, { headers: bearer(parley) })).status).toBe(404);
});

test('[O2, O3] with ops.metricsOnMain /metrics is on PORT, too', async () => {
  const open = await startParley({ config: 'ops:\n  metricsOnMain: true\n' });
  for (const url of [open.url, open.metricsUrl]) {
    const { status, text } = await http(`${url}/metrics`);
    expect([url, status]).toEqual([url, 200]);
    expect(text).toContain('process_cpu_seconds_total');
  }
});

test('[O3] what is asked and what fails is counted by route and status', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'tasks/list', params: {} };
  await http(`${parley.url}/a2a`, { headers: bearer(parley), body });
  await http(`${parley.url}/a2a`, { headers: bearer(parley), body: 'no JSON' });
  await http(`${parley.url}/a2a`, { body });
  const { text } = await http(`${parley.metricsUrl}/metrics`);
  for (const status of ['200', '400', '401']) {
    expect(text).toMatch(
      new RegExp(
        `^parley_http_request_duration_seconds_count\\{method="POST",route="/a2a",status="${status}"\\} [1-9]`,
        'm',
      ),
    );
  }
});
