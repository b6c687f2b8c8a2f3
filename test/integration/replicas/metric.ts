/** What a running server says of itself at `/metrics`. */
import { request } from 'undici';
import type { ParleyProcess } from '../../support/server.ts';

/** The sum of a metric over all its labels; 0 where there is none yet. */
export async function metricOf(parley: ParleyProcess, name: string): Promise<number> {
  const [value = 0] = await metricsOf(parley, name);
  return value;
}

/** Several of one moment. */
export async function metricsOf(parley: ParleyProcess, ...names: readonly string[]): Promise<readonly number[]> {
  const text = await (await request(`${parley.metricsUrl}/metrics`)).body.text();
  return names.map((name) => {
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  });
}
