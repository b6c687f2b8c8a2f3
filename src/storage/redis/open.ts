/** The connection to Redis, and what is kept there: nothing that must last. Its library is loaded only where it is configured. */
import type { Clock } from '../../core/clock.ts';
import type { RateCounts } from '../../core/limits/rate-counts.ts';
import type { Logger } from '../../core/logger.ts';

export interface RedisOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Redis {
  readonly rateCounts: RateCounts;
  /** May be called twice. */
  close(): void;
}

/** How long the start waits for the connection; later it is made in the background. */
const FIRST_CONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
const PING_MS = 2000;
/** Of a connection on which nothing comes, not even the answer to a ping: what waits on it fails then. */
const SILENCE_MS = 5000;
const MAX_RECONNECT_MS = 1000;
/** Commands that wait for an answer. */
const MAX_WAITING = 10_000;

/** Resolves also where Redis cannot be reached: commands then fail at once until it can. */
export async function openRedis({ url, clock, logger }: RedisOptions): Promise<Redis> {
  const [{ createClient }, { RedisRateCounts }] = await Promise.all([
    import('@redis/client'),
    import('./rate-counts.ts'),
  ]);
  const client = createClient({
    url,
    name: 'parley',
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 10), MAX_RECONNECT_MS),
    },
  });
  // Whoever sends a command learns it too, and says so once; this would be said with every attempt to connect.
  client.on('error', (err: unknown) => logger.debug({ err }, 'Redis cannot be reached'));
  const connected = client.connect().then(
    () => undefined,
    (err: unknown) => logger.debug({ err }, 'the connection to Redis ended'),
  );
  let stopWaiting = (): void => {};
  await Promise.race([
    connected,
    new Promise<void>((resolve) => {
      stopWaiting = clock.after(FIRST_CONNECT_MS, resolve);
    }),
  ]);
  stopWaiting();
  let isClosed = false;
  return {
    rateCounts: new RedisRateCounts(client),
    close() {
      if (isClosed) return;
      isClosed = true;
      client.destroy();
    },
  };
}
