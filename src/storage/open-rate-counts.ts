/** Where replicas count rate limits together: Redis where it is configured, else the database that they share. */
import type { Clock } from '../core/clock.ts';
import type { RateCounts } from '../core/limits/rate-counts.ts';
import type { Logger } from '../core/logger.ts';
import type { Storage } from './storage.ts';

export interface OpenedRateCounts {
  readonly store: RateCounts;
  /** For the log. */
  readonly name: string;
  /** May be called twice. */
  close(): void;
}

export interface RateCountsOptions {
  readonly redisUrl: string | undefined;
  readonly storage: Pick<Storage, 'rateCounts'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** null: this process is the only one. What Redis needs is loaded only here. */
export async function openRateCounts(options: RateCountsOptions): Promise<OpenedRateCounts | null> {
  const { redisUrl, storage, clock, logger } = options;
  if (redisUrl !== undefined) {
    const { openRedis } = await import('./redis/open.ts');
    const redis = await openRedis({ url: redisUrl, clock, logger });
    return { store: redis.rateCounts, name: 'Redis', close: () => redis.close() };
  }
  const { rateCounts } = storage;
  return rateCounts === null ? null : { store: rateCounts, name: 'PostgreSQL', close: () => undefined };
}
