/** Senders on one real SQLite outbox, with a turned clock and a transport whose answers a test decides. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JSONWebKeySet, JWK } from 'jose';
import type { Clock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { RetryPolicy, SenderLimits } from '../../src/core/push/limits.ts';
import { NO_PUSH_METRICS, type PushMetrics } from '../../src/core/push/metrics.ts';
import { type NewPushConfig, type ReceiverSecret, secretPlace } from '../../src/core/push/push-config.ts';
import type { PushStore } from '../../src/core/push/push-store.ts';
import { PushSender } from '../../src/core/push/sender.ts';
import type { PushAnswer, PushRequest, PushTransport } from '../../src/core/push/transport.ts';
import { AesGcmSealer } from '../../src/core/secrets/aes-gcm-sealer.ts';
import type { Signer } from '../../src/core/signing/signer.ts';
import type { TaskHead } from '../../src/core/tasks/store.ts';
import { sqlitePush } from '../../src/storage/push-sql.ts';
import { SqlPushStore } from '../../src/storage/push-store.ts';
import { SqliteDatabase } from '../../src/storage/sqlite/database.ts';
import { sqliteKysely } from '../../src/storage/sqlite/kysely.ts';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { SqliteTaskStore } from '../../src/storage/sqlite/task-store.ts';
import { chunks, newTask, status } from './task-writes.ts';
import { turnedClock } from './turned-clock.ts';

export const SENDER_LIMITS: SenderLimits = {
  maxConcurrent: 64,
  maxPerHost: 8,
  maxPerOwner: 32,
  timeoutMs: 10_000,
  pollMs: 1000,
  deadLetterDays: 30,
};
export const RETRY: RetryPolicy = { initialDelayMs: 1000, factor: 2, maxDelayMs: 60_000, giveUpAfterMs: 600_000 };

/** Signs in the calling thread: with a turned clock, what is under way must come to rest in a few turns. */
export function realSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks: JSONWebKeySet = {
    keys: [{ ...(publicKey.export({ format: 'jwk' }) as JWK), kid: 'key-1', alg: 'ES256', use: 'sig' }],
  };
  return {
    async sign(payload, header) {
      const protectedHeader = JSON.stringify({ alg: 'ES256', kid: 'key-1', ...header });
      const encoded = Buffer.from(protectedHeader).toString('base64url');
      const text = `${encoded}.${Buffer.from(payload).toString('base64url')}`;
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return { protected: encoded, signature: signature.toString('base64url') };
    },
    publicKeys: () => jwks,
  };
}

export type Answering = (request: PushRequest) => PushAnswer | Promise<PushAnswer>;
export const answered = (status: number, retryAfter?: string): PushAnswer => ({ kind: 'answered', status, retryAfter });

export interface SenderOptions {
  readonly answer: Answering;
  readonly limits?: Partial<SenderLimits>;
  readonly retry?: Partial<RetryPolicy>;
  readonly metrics?: Partial<PushMetrics>;
  readonly random?: () => number;
  /** Instead of the bench's own. */
  readonly store?: PushStore;
  readonly clock?: Clock;
}

export class PushBench {
  readonly clock = turnedClock();
  readonly tasks: SqliteTaskStore;
  readonly push: SqlPushStore;
  readonly signer: Signer;
  readonly sealer: AesGcmSealer;
  readonly #directory: string;
  readonly #database: SqliteDatabase;
  readonly #senders: PushSender[] = [];
  #uids = 0;

  constructor() {
    this.signer = realSigner();
    const key = { id: 'k1', bytes: Buffer.alloc(32, 1) };
    this.sealer = new AesGcmSealer({ ring: { current: key, keys: new Map([[key.id, key]]) }, randomBytes });
    this.#directory = mkdtempSync(join(tmpdir(), 'parley-push-bench-'));
    this.#database = SqliteDatabase.open(join(this.#directory, 'test.sqlite'));
    this.#database.connection.exec('pragma synchronous = OFF');
    migrate(this.#database, () => new Date(0));
    this.tasks = new SqliteTaskStore(this.#database, this.clock);
    this.push = new SqlPushStore(
      sqliteKysely(this.#database),
      sqlitePush(() => this.clock.now()),
    );
  }

  sender(options: SenderOptions): PushSender {
    const transport: PushTransport = {
      problemOf: () => undefined,
      post: (request) => Promise.race([options.answer(request), untilAborted(request.signal)]),
    };
    const sender = new PushSender({
      store: options.store ?? this.push,
      transport,
      sealer: this.sealer,
      signer: this.signer,
      clock: options.clock ?? this.clock,
      logger: silentLogger,
      metrics: { ...NO_PUSH_METRICS, ...options.metrics },
      limits: { ...SENDER_LIMITS, ...options.limits },
      retry: { ...RETRY, ...options.retry },
      random: options.random ?? (() => 1),
    });
    this.#senders.push(sender);
    return sender;
  }

  config(secret: ReceiverSecret, fields: Partial<NewPushConfig> = {}): NewPushConfig {
    const uid = `uid-${++this.#uids}`;
    return {
      uid,
      id: `config-${this.#uids}`,
      version: '1.0',
      host: new URL(secret.url).hostname,
      secret: this.sealer.seal(JSON.stringify(secret), secretPlace(uid)),
      createdAtMs: this.clock.now(),
      ...fields,
    };
  }

  /** A task with a configuration and so many events to push (seq 1 among them), the last of which ends it. */
  async task(url: string, events: number, ownerId = 'owner-1'): Promise<TaskHead> {
    const created = newTask({ ownerId });
    await this.tasks.commit([{ ...created, pushConfig: this.config({ url }) }]);
    let { head } = created;
    if (events > 2) {
      const write = chunks(
        head,
        Array.from({ length: events - 2 }, (_, index) => `chunk ${index}`),
      );
      await this.tasks.commit([write]);
      ({ head } = write);
    }
    if (events > 1) await this.tasks.commit([status(head, 'TASK_STATE_COMPLETED')]);
    return head;
  }

  /** Lets time pass second by second, with turns of the event loop in between for what comes of it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.turn(Math.min(1000, left));
      await this.settle();
    }
  }

  /** Turns of the event loop, until what was begun has come to rest: signing needs some of them. */
  async settle(turns = 30): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  select(sql: string): Record<string, unknown>[] {
    return this.#database.connection.prepare(sql).all() as Record<string, unknown>[];
  }

  run(sql: string): void {
    this.#database.connection.exec(sql);
  }

  async close(): Promise<void> {
    const stopped = this.#senders.map((sender) => sender.stop(0));
    await this.settle(3);
    this.clock.turn(1);
    await Promise.all(stopped);
    this.#database.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function untilAborted(signal: AbortSignal): Promise<PushAnswer> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'failed', error: 'aborted' }), { once: true });
  });
}

export function eventOf({ headers }: PushRequest): { readonly taskId: string; readonly seq: number } {
  const [taskId = '', seq = ''] = String(headers['parley-event-id']).split('.');
  return { taskId, seq: Number(seq) };
}
