/** What every part of a server is built on. */
import type { Logger as PinoLogger } from 'pino';
import type { Config } from '../config/load.ts';
import type { Activity } from '../core/activity/activity.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Stops } from './stops.ts';

export interface Ground {
  readonly config: Config;
  readonly logger: PinoLogger;
  readonly metrics: Metrics;
  readonly activity: Activity;
  readonly stops: Stops;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
