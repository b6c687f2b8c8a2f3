/** What a running server says of itself at `/metrics`. */
import { request } from 'undici';
import type { ParleyProcess } from '../../support/server.ts';

/** The sum of a metric over all its labels; 0 where there is none yet. */
export async function metricOf(parley: ParleyProcess, name: string): Promise<number> {
  const text = await (await request(`${parley.metricsUrl}/metrics`)).body.text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.reduce((sum, value) => sum + value, 0);
}
