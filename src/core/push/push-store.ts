/**
 * The storage port of push notifications: configurations, and the outbox of deliveries. Deliveries are made by
 * TaskStore.commit, in the transaction of their event; from there on everything happens here.
 */
import type { ProtocolVersion } from '../../protocol/codec.ts';
import type { LogRow } from '../tasks/log.ts';
import type { TaskScope } from '../tasks/store.ts';
import type { NewPushConfig, PushConfigRecord } from './push-config.ts';

/** One try to send a delivery. */
export interface PushAttempt {
  readonly atMs: number;
  readonly durationMs: number;
  /** The receiver's HTTP status; null where it gave none. */
  readonly status: number | null;
  /** What went wrong, in one word. */
  readonly error: string;
}

/** The next delivery of a configuration, with what it takes to send it. Its holder has the lease. */
export interface ClaimedDelivery {
  readonly configNum: number;
  readonly leaseEpoch: number;
  readonly uid: string;
  readonly configId: string;
  readonly version: ProtocolVersion;
  readonly host: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly secret: PushConfigRecord['secret'];
  readonly taskId: string;
  readonly seq: number;
  /** The event as 1.0 JSON text; null where the log has lost it. */
  readonly body: string | null;
  readonly attempts: number;
  readonly history: readonly PushAttempt[];
  /** When it was first tried; null: never. */
  readonly firstAttemptAtMs: number | null;
  /** Now, by the clock that leases go by. */
  readonly nowMs: number;
}

export interface ClaimRequest {
  readonly limit: number;
  readonly leaseMs: number;
  /** At most so many of one host and of one owner. */
  readonly maxPerHost: number;
  readonly maxPerOwner: number;
  /** None of these: they have all that they may have already. */
  readonly busyHosts: readonly string[];
  readonly busyOwners: readonly string[];
}

/** What became of a claimed delivery. The lease ends unless `keepMs` asks for the next delivery of the same configuration. */
export type PushOutcome = {
  readonly claim: ClaimedDelivery;
} & (
  | { readonly kind: 'delivered'; readonly keepMs: number | null }
  | { readonly kind: 'retry'; readonly attempt: PushAttempt; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly attempt: PushAttempt; readonly reason: string; readonly keepMs: number | null }
  /** Not tried: somebody else may. */
  | { readonly kind: 'released' }
);

export type SettleResult =
  /** `next` is leased to the same holder; null: there is none, or it was not asked for. */
  | { readonly status: 'settled'; readonly next: ClaimedDelivery | null }
  /** Somebody else has the lease, or the configuration was deleted: nothing was written. */
  | { readonly status: 'lost' }
  /** The database refused this one, and only this one. Its lease runs out. */
  | { readonly status: 'failed'; readonly cause: unknown };

export type DeliveryState = 'pending' | 'dead';

/** A delivery as operators and owners see it. */
export interface DeliveryRecord {
  /** `<uid>.<seq>` */
  readonly id: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly taskId: string;
  readonly configId: string;
  readonly host: string;
  readonly seq: number;
  readonly state: DeliveryState;
  readonly createdAtMs: number;
  readonly attempts: number;
  /** null: it waits for the one before it, or is dead. */
  readonly nextAttemptAtMs: number | null;
  readonly reason: string | null;
  readonly diedAtMs: number | null;
  readonly history: readonly PushAttempt[];
}

export interface DeliveryFilter {
  /** undefined: of all owners. */
  readonly ownerId: string | undefined;
  readonly agentId: string | undefined;
  /** Of these agents only; undefined: of all. */
  readonly agentIds: readonly string[] | undefined;
  readonly taskId: string | undefined;
  readonly state: DeliveryState | undefined;
}

/** After the last one of the page before: newest configurations first, their deliveries in the order of events. */
export interface DeliveryCursor {
  readonly configNum: number;
  readonly state: number;
  readonly seq: number;
}

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRecord[];
  readonly next: DeliveryCursor | null;
}

export interface DeliveryKey {
  readonly uid: string;
  readonly seq: number;
}

export interface PushStats {
  readonly pending: number;
  readonly dead: number;
  /** Of the oldest delivery that waits; 0 where none does. */
  readonly oldestAgeMs: number;
}

export type PutResult = 'stored' | 'no-task' | 'too-many';

export interface PushStore {
  /** Makes a configuration, or replaces the one of its task with the same id; what waits goes to the new address. */
  putConfig(scope: TaskScope, taskId: string, config: NewPushConfig, maxPerTask: number): Promise<PutResult>;
  findConfig(scope: TaskScope, taskId: string, id: string): Promise<PushConfigRecord | undefined>;
  /** By id, after `afterId`; undefined where there is no such task. */
  listConfigs(
    scope: TaskScope,
    taskId: string,
    afterId: string,
    limit: number,
  ): Promise<readonly PushConfigRecord[] | undefined>;
  /** Removes it with all its deliveries. Answers false where there is no such task; a missing configuration is none. */
  removeConfig(scope: TaskScope, taskId: string, id: string): Promise<boolean>;

  /** Deliveries in the outbox, pending and dead. */
  queuedOf(ownerId: string): Promise<number>;
  queued(): Promise<number>;

  /** Called once, before the first claim of a process: where it is the only one, leases of its former lives end. */
  begin(): Promise<void>;
  /** Takes the leases of configurations whose next delivery is due, longest due first. */
  claim(request: ClaimRequest): Promise<readonly ClaimedDelivery[]>;
  /** Result i belongs to outcome i. */
  settle(outcomes: readonly PushOutcome[]): Promise<readonly SettleResult[]>;
  /** The task's events up to `seq`, for payloads that are whole tasks; ascending. */
  readTaskUpTo(taskId: string, seq: number): Promise<{ readonly contextId: string; readonly rows: readonly LogRow[] }>;

  listDeliveries(filter: DeliveryFilter, after: DeliveryCursor | null, limit: number): Promise<DeliveryPage>;
  findDelivery(key: DeliveryKey, ownerId: string | undefined): Promise<DeliveryRecord | undefined>;
  /** A dead delivery waits again, with a new budget. Answers false where it is not dead. */
  redeliver(key: DeliveryKey, ownerId: string | undefined): Promise<boolean>;
  /** All dead ones of the filter, at most `limit`; returns how many. */
  redeliverAll(filter: DeliveryFilter, limit: number): Promise<number>;
  /** Forgets a dead delivery. Answers false where it is not dead. */
  discard(key: DeliveryKey, ownerId: string | undefined): Promise<boolean>;

  stats(): Promise<PushStats>;
  /** Forgets dead deliveries that died before, and configurations made before on tasks that have ended; returns how many deliveries. */
  prune(diedBeforeMs: number | null, endedConfigsBeforeMs: number, limit: number): Promise<number>;
}
