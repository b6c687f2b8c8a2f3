/** The limits that extended cards tell of. */
import type { Config } from './load.ts';

/** What one caller may meet, by the configuration keys that errors name, too. */
export function callerLimits({ rateLimit, server, streams, tasks }: Config): Record<string, number> {
  return {
    // 0 is no limit.
    ...(rateLimit.perMinute === 0 ? {} : { 'rateLimit.perMinute': rateLimit.perMinute }),
    'server.bodyLimitBytes': server.bodyLimitBytes,
    'tasks.maxMessageBytes': tasks.maxMessageBytes,
    'tasks.maxPartsPerMessage': tasks.maxPartsPerMessage,
    'tasks.maxRunningPerOwner': tasks.maxRunningPerOwner,
    'tasks.maxQueuedPerOwner': tasks.maxQueuedPerOwner,
    'streams.maxPerOwner': streams.maxPerOwner,
  };
}
