/** The configured limits and times of push notifications. A limit is named in the error that it causes. */

export interface PushLimits {
  readonly maxConfigsPerTask: number;
  readonly maxUrlLength: number;
  /** Of the token, and of the credentials. */
  readonly maxSecretLength: number;
  /** Deliveries in the outbox, pending and dead, beyond which nothing more may be asked for. */
  readonly maxQueuedPerOwner: number;
  readonly maxQueued: number;
}

export interface RetryPolicy {
  readonly initialDelayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Since the first attempt; a delivery that fails after it is dead. */
  readonly giveUpAfterMs: number;
}

export interface SenderLimits {
  /** Requests under way at once in this process, those to one host, and those of one owner among them. */
  readonly maxConcurrent: number;
  readonly maxPerHost: number;
  readonly maxPerOwner: number;
  /** Of one attempt, at the longest: a lease lasts a little longer. */
  readonly timeoutMs: number;
  readonly pollMs: number;
  /** Dead deliveries are kept so long; 0: until they are deleted. */
  readonly deadLetterDays: number;
}
