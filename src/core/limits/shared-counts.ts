/**
 * Counting with the other replicas: what is asked in one turn of the event loop goes out together, and what does not
 * answer in time is done without. Nobody's request fails, or waits for long, because the counts are out of reach.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { RateCount, RateCounts } from './rate-counts.ts';

export interface SharedCountsMetrics {
  /** From now on each replica counts by itself. */
  countingAlone(): void;
}

export interface SharedCountsOptions {
  readonly counts: RateCounts;
  /** `Redis` or `PostgreSQL`, for the log. */
  readonly name: string;
  readonly windowMs: number;
  /** How long an answer of the store may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SharedCountsMetrics;
}

type Waiter = (count: RateCount | null) => void;

type Waiters = Map<string, Waiter[]>;

/** How often it is tried whether the counts are there again. */
const PROBE_MS = 1000;
const PROBE_KEY = 'probe';
/** Longer keys are counted under their hash: an address may be whatever a header says. */
const MAX_KEY_LENGTH = 200;

export class SharedCounts {
  readonly #options: SharedCountsOptions;
  #next: Waiters | null = null;
  /** Sent, and not given up. */
  #sent: Waiters | null = null;
  #isScheduled = false;
  #isUnderWay = false;
  #isUp = true;
  #stopProbing: (() => void) | null = null;

  constructor(options: SharedCountsOptions) {
    this.#options = options;
  }

  /** `false`: count here. It comes back by itself. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Counts one more for `key`. null: not counted, or nobody knows; count it here. Never rejects. */
  add(key: string): Promise<RateCount | null> {
    if (!this.#isUp) return Promise.resolve(null);
    const name = key.length > MAX_KEY_LENGTH ? createHash('sha256').update(key).digest('base64url') : key;
    return new Promise((resolve) => {
      this.#next ??= new Map();
      const same = this.#next.get(name);
      if (same === undefined) this.#next.set(name, [resolve]);
      else same.push(resolve);
      this.#schedule();
    });
  }

  /** May be called twice. */
  stop(): void {
    this.#isUp = false;
    this.#stopProbing?.();
    this.#stopProbing = null;
    this.#giveUp(this.#takeNext());
  }

  /** Where this process was too busy to read an answer that is there, it is read first. */
  #timeout(): () => void {
    const { clock, timeoutMs } = this.#options;
    let isOver = false;
    const cancel = clock.after(timeoutMs, () => {
      setImmediate(() => {
        if (!isOver) this.#down(new Error(`no answer within ${timeoutMs} ms`));
      });
    });
    return () => {
      isOver = true;
      cancel();
    };
  }

  #takeNext(): Waiters | null {
    const waiters = this.#next;
    this.#next = null;
    return waiters;
  }

  /** One at a time: what comes meanwhile is the next batch, and a slow store is not asked faster than it answers. */
  #schedule(): void {
    if (this.#isScheduled || this.#isUnderWay || this.#next === null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const waiters = this.#takeNext();
      if (waiters !== null) void this.#send(waiters);
    });
  }

  async #send(waiters: Waiters): Promise<void> {
    const { counts, windowMs } = this.#options;
    this.#isUnderWay = true;
    this.#sent = waiters;
    const cancelTimeout = this.#timeout();
    try {
      const results = await counts.add(
        [...waiters].map(([key, { length }]) => ({ key, n: length })),
        windowMs,
      );
      if (this.#sent === waiters) answer(waiters, results);
    } catch (error) {
      this.#down(error);
    } finally {
      cancelTimeout();
      if (this.#sent === waiters) this.#sent = null;
      this.#isUnderWay = false;
      this.#schedule();
    }
  }

  #giveUp(waiters: Waiters | null): void {
    for (const same of waiters?.values() ?? []) for (const waiter of same) waiter(null);
  }

  #down(err: unknown): void {
    const { name, clock, logger, metrics } = this.#options;
    if (this.#isUp) {
      this.#isUp = false;
      metrics.countingAlone();
      logger.warn({ err }, `rate limits are not counted together (${name}); until they are, each replica counts alone`);
      this.#stopProbing = clock.every(PROBE_MS, () => void this.#probe());
    }
    const sent = this.#sent;
    this.#sent = null;
    this.#giveUp(sent);
    this.#giveUp(this.#takeNext());
  }

  /** No request waits for this. */
  async #probe(): Promise<void> {
    if (this.#isUnderWay) return;
    const { counts, name, clock, logger, timeoutMs, windowMs } = this.#options;
    this.#isUnderWay = true;
    const askedAtMs = clock.now();
    try {
      await counts.add([{ key: PROBE_KEY, n: 0 }], windowMs);
      if (this.#stopProbing === null || clock.now() - askedAtMs > timeoutMs) return;
      this.#stopProbing();
      this.#stopProbing = null;
      this.#isUp = true;
      logger.info(`rate limits are counted together again (${name})`);
    } catch {
      // As before; the log has said so.
    } finally {
      this.#isUnderWay = false;
    }
  }
}

/** Who asked first in a batch is counted first. */
function answer(waiters: ReadonlyMap<string, readonly Waiter[]>, results: readonly RateCount[]): void {
  let index = 0;
  for (const same of waiters.values()) {
    const result = results[index++];
    for (const [position, waiter] of same.entries()) {
      waiter(result === undefined ? null : { ...result, used: result.used - same.length + position + 1 });
    }
  }
}
