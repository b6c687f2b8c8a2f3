/** Whether the replicas on one database have one admin key: a request comes to any of them, and half would be refused. */
import { createHmac } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { KeyRing } from '../secrets/encryption-keys.ts';
import type { AdminKeySource } from './admin-key.ts';

export interface AdminKeyMarks {
  /** Leaves this replica's mark for `ttlMs`; answers those of the others. */
  exchange(replicaId: string, mark: string, ttlMs: number): Promise<readonly string[]>;
  remove(replicaId: string): Promise<void>;
}

export interface AdminKeyAgreementOptions {
  readonly marks: AdminKeyMarks;
  readonly adminKey: AdminKeySource;
  /** Its present key makes marks that say nothing of the admin key to whoever reads the database. */
  readonly ring: KeyRing;
  readonly replicaId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY_MS = 30_000;
const TTL_MS = 3 * EVERY_MS;

export class AdminKeyAgreement {
  readonly #options: AdminKeyAgreementOptions;
  #stopTimer: (() => void) | null = null;
  #isDifferent = false;
  #isLeft = false;

  constructor(options: AdminKeyAgreementOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTimer ??= this.#options.clock.every(EVERY_MS, () => void this.check());
    void this.check();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (this.#stopTimer === null) return;
    this.#stopTimer();
    this.#stopTimer = null;
    // A database that could not be reached is not waited for: the mark ends by itself.
    if (this.#isLeft) await this.#options.marks.remove(this.#options.replicaId);
  }

  /** Never rejects. Says it once, and again after it was otherwise. */
  async check(): Promise<void> {
    const { marks, replicaId, logger } = this.#options;
    const mark = this.#mark();
    try {
      const others = await marks.exchange(replicaId, mark, TTL_MS);
      this.#isLeft = true;
      // With another encryption key, as while it is replaced, nothing can be said.
      const isDifferent = others.some((other) => other !== mark && keyIdOf(other) === keyIdOf(mark));
      if (isDifferent && !this.#isDifferent) {
        logger.warn(
          'another replica on this database has another admin key: requests with this one are refused there. Give all ' +
            'replicas the same ADMIN_API_KEY, or the same file as ADMIN_API_KEY_FILE',
        );
      }
      this.#isDifferent = isDifferent;
    } catch (err) {
      this.#isLeft = false;
      logger.debug({ err }, 'the admin keys of the replicas could not be compared');
    }
  }

  #mark(): string {
    const { adminKey, ring } = this.#options;
    const { id, bytes } = ring.current;
    const hash = createHmac('sha256', bytes)
      .update('parley admin key mark v1\0')
      .update(adminKey.current())
      .digest('hex');
    return `${id}:${hash.slice(0, 32)}`;
  }
}

const keyIdOf = (mark: string): string => mark.slice(0, mark.indexOf(':'));
