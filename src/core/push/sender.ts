/**
 * Sends what lies in the outbox. It takes the lease of a configuration, sends its deliveries one after the other, and
 * writes down what became of each before the next: at least once, in order, whatever dies in between.
 */
import { setMaxListeners } from 'node:events';
import { toAppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Sealer } from '../secrets/sealer.ts';
import type { Signer } from '../signing/signer.ts';
import type { RetryPolicy, SenderLimits } from './limits.ts';
import type { PushMetrics } from './metrics.ts';
import { credentialHeaders, eventIdOf, payloadOf, readSecret } from './payload.ts';
import { secretPlace } from './push-config.ts';
import type { ClaimedDelivery, PushAttempt, PushOutcome, PushStats, PushStore, SettleResult } from './push-store.ts';
import { parseRetryAfter, retryDelayMs } from './retry.ts';
import { EVENT_ID_HEADER, SIGNATURE_HEADER, signPush, TIMESTAMP_HEADER } from './signature.ts';
import type { PushAnswer, PushTransport } from './transport.ts';

export interface PushSenderOptions {
  readonly store: PushStore;
  readonly transport: PushTransport;
  readonly sealer: Sealer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PushMetrics;
  readonly limits: SenderLimits;
  readonly retry: RetryPolicy;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What a lease lasts beyond one attempt: time to write its outcome down, on a slow machine too. */
const LEASE_MARGIN_MS = 15_000;
/** Deliveries of one configuration in a row; then others have their turn. */
const MAX_IN_A_ROW = 20;
const STATS_EVERY_MS = 10_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_SLICE = 1000;
const DAY_MS = 86_400_000;
/** `Gone`: the receiver says that it will never take this. */
const GONE = 410;

interface Settling {
  readonly outcome: PushOutcome;
  readonly resolve: (result: SettleResult) => void;
}

export class PushSender {
  readonly #options: PushSenderOptions;
  readonly #perHost = new Map<string, number>();
  readonly #perOwner = new Map<string, number>();
  readonly #abort = new AbortController();
  #underWay = 0;
  #stopTimers: (() => void)[] = [];
  #isOpen = false;
  #hasBegun = false;
  #claiming: Promise<void> | null = null;
  #isWoken = false;
  #settling: Settling[] = [];
  #isSettling = false;
  #onIdle: (() => void) | null = null;
  #stats: PushStats = { pending: 0, dead: 0, oldestAgeMs: 0 };

  constructor(options: PushSenderOptions) {
    this.#options = options;
    // Each attempt under way listens to it, and leaves when it is over.
    setMaxListeners(0, this.#abort.signal);
  }

  /** What the outbox held when it was last looked at, some seconds ago at most. */
  get stats(): PushStats {
    return this.#stats;
  }

  get underWay(): number {
    return this.#underWay;
  }

  start(): void {
    const { clock, limits } = this.#options;
    this.#isOpen = true;
    this.#stopTimers = [
      clock.every(limits.pollMs, () => this.wake()),
      clock.every(STATS_EVERY_MS, () => void this.#look()),
      clock.every(PRUNE_EVERY_MS, () => void this.#prune()),
    ];
    this.wake();
    void this.#look();
  }

  /** Lets attempts under way end for at most `drainMs`, then gives the rest back, untried. May be called twice. */
  async stop(drainMs: number): Promise<void> {
    this.#isOpen = false;
    for (const stop of this.#stopTimers) stop();
    this.#stopTimers = [];
    await this.#claiming;
    if (this.#underWay === 0) return;
    const isIdle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    const cancel = this.#options.clock.after(drainMs, () => this.#abort.abort());
    await isIdle;
    cancel();
  }

  /** There may be something to send. */
  wake(): void {
    if (!this.#isOpen) return;
    this.#isWoken = true;
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = null;
      // Woken since the loop ended.
      if (this.#isWoken) this.wake();
    });
  }

  async #claim(): Promise<void> {
    const { store, limits, logger } = this.#options;
    // Not in the caller's tick: who wakes it is in the middle of a commit.
    await Promise.resolve();
    try {
      if (!this.#hasBegun) await store.begin();
      this.#hasBegun = true;
      while (this.#isWoken && this.#isOpen) {
        this.#isWoken = false;
        const limit = limits.maxConcurrent - this.#underWay;
        if (limit <= 0) return;
        const claims = await store.claim({
          limit,
          leaseMs: this.#leaseMs,
          maxPerHost: limits.maxPerHost,
          maxPerOwner: limits.maxPerOwner,
          busyHosts: busy(this.#perHost, limits.maxPerHost),
          busyOwners: busy(this.#perOwner, limits.maxPerOwner),
        });
        for (const claim of claims) void this.#begin(claim);
        // There may be more, which this claim's limits kept out.
        if (claims.length > 0) this.#isWoken = true;
      }
    } catch (err) {
      logger.error({ err }, 'push deliveries could not be claimed');
    }
  }

  get #leaseMs(): number {
    return this.#options.limits.timeoutMs + LEASE_MARGIN_MS;
  }

  async #begin(claim: ClaimedDelivery): Promise<void> {
    const { limits } = this.#options;
    const { host, ownerId } = claim;
    const isTooMuch =
      (this.#perHost.get(host) ?? 0) >= limits.maxPerHost || (this.#perOwner.get(ownerId) ?? 0) >= limits.maxPerOwner;
    this.#underWay++;
    count(this.#perHost, host, 1);
    count(this.#perOwner, ownerId, 1);
    try {
      if (isTooMuch) await this.#settle({ kind: 'released', claim });
      else await this.#sendInTurn(claim);
    } catch (err) {
      // The lease runs out, and then it is tried again.
      const { taskId, seq } = claim;
      this.#options.logger.error({ err, taskId, seq }, 'push delivery was left to its lease');
    } finally {
      this.#underWay--;
      count(this.#perHost, host, -1);
      count(this.#perOwner, ownerId, -1);
      if (this.#underWay === 0) this.#onIdle?.();
      if (!isTooMuch) this.wake();
    }
  }

  async #sendInTurn(first: ClaimedDelivery): Promise<void> {
    let claim: ClaimedDelivery | null = first;
    for (let sent = 1; claim !== null; sent++) {
      // Also when the server began to stop while this was being claimed.
      if (this.#abort.signal.aborted || !this.#isOpen) {
        await this.#settle({ kind: 'released', claim });
        return;
      }
      const keepMs: number | null = sent < MAX_IN_A_ROW && this.#isOpen ? this.#leaseMs : null;
      const result: SettleResult = await this.#settle(await this.#attempt(claim, keepMs));
      if (result.status === 'failed') throw result.cause;
      if (result.status === 'lost') {
        this.#options.metrics.leaseLost();
        return;
      }
      claim = result.next;
    }
  }

  async #attempt(claim: ClaimedDelivery, keepMs: number | null): Promise<PushOutcome> {
    const { clock, metrics } = this.#options;
    const startMs = clock.now();
    const answer = await this.#post(claim, startMs);
    if (answer === 'stopped') return { kind: 'released', claim };
    const durationMs = Math.max(0, clock.now() - startMs);
    const result = resultOf(answer);
    metrics.attempted(result, durationMs);
    const { taskId, seq, configId, host } = claim;
    const facts = { taskId, seq, configId, host, attempt: claim.attempts + 1, result, durationMs };
    if (result === 'delivered') {
      this.#options.logger.debug(facts, 'push delivered');
      return { kind: 'delivered', claim, keepMs };
    }
    const status = answer.kind === 'answered' ? answer.status : null;
    const attempt: PushAttempt = { atMs: startMs, durationMs, status, error: result };
    const delayMs = this.#delayMs(claim, answer);
    const reason = this.#reasonToGiveUp(claim, status, delayMs);
    if (reason === null) {
      this.#options.logger.info({ ...facts, delayMs }, 'push failed; it is tried again');
      return { kind: 'retry', claim, attempt, delayMs };
    }
    metrics.deadLettered(reason);
    this.#options.logger.warn({ ...facts, reason }, 'push given up: it is a dead letter now');
    return { kind: 'dead', claim, attempt, reason, keepMs };
  }

  #delayMs(claim: ClaimedDelivery, answer: PushAnswer): number {
    const { retry, random, clock } = this.#options;
    const retryAfterMs = answer.kind === 'answered' ? parseRetryAfter(answer.retryAfter, clock.now()) : null;
    return retryDelayMs(retry, claim.attempts + 1, random(), retryAfterMs);
  }

  #reasonToGiveUp(claim: ClaimedDelivery, status: number | null, delayMs: number): string | null {
    if (status === GONE) return 'gone';
    if (claim.body === null) return 'event_missing';
    const spentMs = claim.nowMs - (claim.firstAttemptAtMs ?? claim.nowMs);
    return spentMs + delayMs > this.#options.retry.giveUpAfterMs ? 'retries_exhausted' : null;
  }

  /** `stopped`: the server ends, and the attempt counts for nothing. */
  async #post(claim: ClaimedDelivery, nowMs: number): Promise<PushAnswer | 'stopped'> {
    const { store, sealer, signer, transport, logger } = this.#options;
    const { signal } = this.#abort;
    try {
      const payload = await payloadOf(claim, store);
      if (payload === null) return { kind: 'failed', error: 'event_missing' };
      const secret = readSecret(sealer.open(claim.secret, secretPlace(claim.uid)));
      const eventId = eventIdOf(claim);
      const timestamp = String(Math.floor(nowMs / 1000));
      const { url } = secret;
      const headers = {
        'content-type': payload.contentType,
        ...credentialHeaders(secret),
        [EVENT_ID_HEADER]: eventId,
        [TIMESTAMP_HEADER]: timestamp,
        [SIGNATURE_HEADER]: await signPush(signer, { eventId, timestamp, url, body: payload.body }),
      };
      const answer = await transport.post({ url, headers, body: payload.body, signal });
      return answer.kind === 'failed' && signal.aborted ? 'stopped' : answer;
    } catch (err) {
      const { code } = toAppError(err);
      logger.error({ err, taskId: claim.taskId, seq: claim.seq }, 'push could not be made');
      return { kind: 'failed', error: code === 'DECRYPTION_FAILED' ? 'secret_unreadable' : 'internal' };
    }
  }

  // ---- outcomes: those that come in one turn of the event loop, or while others are written, share a write ----

  #settle(outcome: PushOutcome): Promise<SettleResult> {
    return new Promise((resolve) => {
      this.#settling.push({ outcome, resolve });
      if (this.#isSettling) return;
      this.#isSettling = true;
      setImmediate(() => void this.#writeOutcomes());
    });
  }

  async #writeOutcomes(): Promise<void> {
    while (this.#settling.length > 0) {
      const batch = this.#settling;
      this.#settling = [];
      let results: readonly SettleResult[] = [];
      let cause: unknown;
      try {
        results = await this.#options.store.settle(batch.map(({ outcome }) => outcome));
      } catch (error) {
        cause = error;
      }
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? { status: 'failed', cause });
    }
    this.#isSettling = false;
  }

  // ---- upkeep ----

  async #look(): Promise<void> {
    try {
      this.#stats = await this.#options.store.stats();
    } catch (err) {
      this.#options.logger.error({ err }, 'the outbox could not be looked at');
    }
  }

  async #prune(): Promise<void> {
    const { store, clock, limits, logger } = this.#options;
    const nowMs = clock.now();
    const { deadLetterDays } = limits;
    try {
      const diedBeforeMs = deadLetterDays === 0 ? null : nowMs - deadLetterDays * DAY_MS;
      const pruned = await store.prune(diedBeforeMs, nowMs - DAY_MS, PRUNE_SLICE);
      if (pruned > 0) logger.warn({ count: pruned, deadLetterDays }, 'old dead letters were forgotten');
    } catch (err) {
      logger.error({ err }, 'old dead letters could not be removed');
    }
  }
}

/** `delivered`, or in one word what went wrong. */
function resultOf(answer: PushAnswer): string {
  if (answer.kind === 'failed') return answer.error;
  const { status } = answer;
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 300 && status < 400 ? 'redirect' : `status_${Math.floor(status / 100)}xx`;
}

function count(counts: Map<string, number>, key: string, change: number): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}

const busy = (counts: ReadonlyMap<string, number>, limit: number) =>
  [...counts].flatMap(([key, n]) => (n >= limit ? [key] : []));
