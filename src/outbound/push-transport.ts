/** Pushes over the guarded client. */
import type { PushAnswer, PushRequest, PushTransport } from '../core/push/transport.ts';
import { errorName, type GuardedClient } from './guarded-client.ts';

export function pushTransport(client: GuardedClient): PushTransport {
  return {
    problemOf: (url) => client.problemOf(url),
    async post({ url, headers, body, signal }: PushRequest): Promise<PushAnswer> {
      try {
        const answer = await client.request({ method: 'POST', url, headers, body, signal });
        const retryAfter = answer.headers['retry-after'];
        return {
          kind: 'answered',
          status: answer.status,
          retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
        };
      } catch (error) {
        return { kind: 'failed', error: errorName(error) };
      }
    },
  };
}
