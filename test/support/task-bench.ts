/** A task engine on a real SQLite file, with a turned clock and a store that can be made to fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Principal } from '../../src/core/access/principal.ts';
import { type Agent, AgentRegistry } from '../../src/core/agents/registry.ts';
import type { Logger } from '../../src/core/logger.ts';
import type { Call } from '../../src/core/operations/call.ts';
import type { ReplicaLinkOptions } from '../../src/core/replicas/link.ts';
import { TaskEngine } from '../../src/core/tasks/engine.ts';
import type { TaskLimits } from '../../src/core/tasks/limits.ts';
import type { LogRow } from '../../src/core/tasks/log.ts';
import { NO_METRICS, type TaskMetrics } from '../../src/core/tasks/metrics.ts';
import { type PushAdmission, type StreamSink, TaskService } from '../../src/core/tasks/service.ts';
import type { TaskStore } from '../../src/core/tasks/store.ts';
import { AppError } from '../../src/protocol/errors.ts';
import type { SendMessageConfiguration, SendMessageRequest, Task } from '../../src/protocol/v1/types.ts';
import { SqliteDatabase } from '../../src/storage/sqlite/database.ts';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { SqliteTaskStore } from '../../src/storage/sqlite/task-store.ts';
import { FaultStore } from './fault-store.ts';
import { type TurnedClock, turnedClock } from './turned-clock.ts';

export const LIMITS: TaskLimits = {
  maxRunning: 1000,
  maxRunningPerOwner: 1000,
  maxRunningPerAgent: 0,
  maxQueued: 1000,
  maxQueuedPerOwner: 1000,
  maxEventBytes: 1_000_000,
  maxMessageBytes: 1_000_000,
  maxPartsPerMessage: 100,
  maxHistoryMessages: 100,
  maxEventsPerTask: 100_000,
  maxTaskBytes: 100_000_000,
  idleTimeoutMs: 0,
  maxDurationMs: 0,
  cancelGraceMs: 5_000,
  maxAttempts: 3,
  leaseTtlMs: 15_000,
};

export interface BenchOptions {
  readonly limits?: Partial<TaskLimits>;
  readonly streams?: { readonly maxOpen?: number; readonly maxPerOwner?: number; readonly maxPerTask?: number };
  readonly metrics?: Partial<TaskMetrics>;
  readonly logger?: Logger;
  readonly commitMaxConcurrent?: number;
  readonly commitMaxWrites?: number;
  /** A clock that several benches share; by default each has its own. */
  readonly clock?: TurnedClock;
  /** To other replicas; by default there is no bus. */
  readonly link?: ReplicaLinkOptions;
  /** By default each start makes the benches before it count as dead. */
  readonly storeOf?: (store: TaskStore) => FaultStore;
}

/** These benches are not about push notifications: `push-bench.ts` is. */
const NO_PUSH: PushAdmission = {
  prepare: () => Promise.reject(new AppError('PUSH_NOTIFICATION_NOT_SUPPORTED', 'Not here')),
  checkRoom: async () => {},
};

let replicas = 0;

/** One replica: an engine with its service. */
export class Bench {
  readonly store: FaultStore;
  readonly engine: TaskEngine;
  readonly service: TaskService;
  readonly clock: TurnedClock;
  readonly agents: AgentRegistry;
  /** How often the engine said that there is work for others. */
  announcements = 0;

  constructor(files: BenchFiles, agents: readonly Agent[], options: BenchOptions) {
    this.clock = options.clock ?? turnedClock();
    const { storeOf = (store) => new FaultStore(store) } = options;
    this.store = storeOf(new SqliteTaskStore(files.database, this.clock));
    this.agents = new AgentRegistry(agents, agents[0]?.id ?? '');
    this.engine = new TaskEngine({
      store: this.store,
      agents: this.agents,
      clock: this.clock,
      ids: { next: () => files.nextId() },
      logger: options.logger ?? silent,
      metrics: { ...NO_METRICS, ...options.metrics },
      limits: { ...LIMITS, ...options.limits },
      streams: { maxOpen: 10_000, maxPerOwner: 10_000, maxPerTask: 10_000, ...options.streams },
      deduplication: { keyTtlMs: 86_400_000, messageIdWindowMs: 900_000 },
      commitMaxWrites: options.commitMaxWrites ?? 256,
      isShared: true,
      commitMaxConcurrent: options.commitMaxConcurrent ?? 1,
      replicaId: `replica-${++replicas}`,
      random: () => 0,
      onWorkQueued: () => void this.announcements++,
      ...(options.link === undefined ? {} : { link: options.link }),
    });
    this.service = new TaskService(this.engine, NO_PUSH);
  }

  call(over: Partial<Call> & { readonly owner?: string } = {}): Call {
    const { owner = 'alice', ...call } = over;
    const agent = this.agents.find(this.agents.defaultId);
    if (agent === undefined) throw new Error('no agent');
    return {
      principal: principalOf(owner),
      agent,
      version: '1.0',
      idempotencyKey: undefined,
      extensions: [],
      lastEventId: undefined,
      signal: new AbortController().signal,
      ...call,
    };
  }

  /** Sends and returns at once: the id of the task. */
  async begin(text = 'hello', over: Parameters<Bench['call']>[0] = {}): Promise<string> {
    const call = this.call(over);
    const scope = { ownerId: call.principal.ownerId, agentId: call.agent.id };
    const { message } = messageOf(text);
    const submitted = await this.engine.submit({ scope, agent: call.agent, message, idempotencyKey: undefined });
    return submitted.status === 'started' ? submitted.run.taskId : submitted.taskId;
  }

  async task(taskId: string, over: Parameters<Bench['call']>[0] = {}): Promise<Task> {
    return JSON.parse(await this.service.get(this.call(over), { id: taskId })) as Task;
  }

  async state(taskId: string): Promise<string> {
    return (await this.task(taskId)).status.state;
  }

  /** Lets time pass second by second, with turns of the event loop in between for what comes of it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.turn(Math.min(1000, left));
      await turns(5);
    }
  }

  /** The log as stored, `seq` by `seq`. */
  log(taskId: string): Promise<readonly LogRow[]> {
    return this.store.readEvents(taskId, 0, 100_000);
  }
}

/** The file that several replicas may share. */
export class BenchFiles {
  readonly directory: string;
  readonly database: SqliteDatabase;
  readonly #benches: Bench[] = [];
  #ids = 0;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'parley-engine-'));
    this.database = SqliteDatabase.open(join(this.directory, 'test.sqlite'));
    // What is proved here is order and atomicity; the disk has its own tests.
    this.database.connection.exec('pragma synchronous = OFF');
    migrate(this.database, () => new Date(0));
  }

  /** Growing, as the real ones are. */
  nextId(): string {
    return `id-${String(++this.#ids).padStart(9, '0')}`;
  }

  /** Who holds the lease of a task, past all that a bench may hold up. */
  async holderOf(taskId: string): Promise<string | null> {
    const row = this.database.connection.prepare('select lease_replica from tasks where id = ?').get(taskId);
    return (row as { lease_replica: string | null }).lease_replica;
  }

  async start(agents: readonly Agent[], options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(this, agents, options);
    this.#benches.push(bench);
    await bench.engine.start();
    return bench;
  }

  async close(): Promise<void> {
    for (const { engine, store } of this.#benches) {
      store.before = () => undefined;
      store.after = () => undefined;
      await engine.stop(0);
    }
    await turns(3);
    this.database.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const nothing = (): void => {};
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent };

export function principalOf(ownerId: string): Principal {
  return {
    kind: 'key',
    ownerId,
    name: ownerId,
    keyId: ownerId,
    scopes: new Set(['tasks:read', 'tasks:write']),
    agents: null,
  };
}

let messages = 0;

export function messageOf(text: string, over: Partial<SendMessageRequest['message']> = {}): SendMessageRequest {
  return { message: { messageId: `message-${++messages}`, role: 'ROLE_USER', parts: [{ text }], ...over } };
}

export function configured(request: SendMessageRequest, configuration: SendMessageConfiguration): SendMessageRequest {
  return { ...request, configuration };
}

/** Lets so many turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits, turn by turn of the event loop, until `probe` holds. */
export async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (await probe()) return;
    await turns(1);
  }
  throw new Error(`waited for ${what}, in vain`);
}

/** Everything that a follower was given, in order. */
export class Follower implements StreamSink {
  readonly seqs: number[] = [];
  readonly bodies: string[] = [];
  snapshots: { seq: number; task: Task }[] = [];
  isEnded = false;
  cause: unknown = undefined;
  /** Asked after each batch: whether there is room for more. */
  hasRoom: () => boolean = () => true;

  snapshot(seq: number, taskJson: string): void {
    this.snapshots.push({ seq, task: JSON.parse(taskJson) as Task });
  }

  events(rows: readonly LogRow[]): boolean {
    for (const row of rows) {
      this.seqs.push(row.seq);
      this.bodies.push(row.body);
    }
    return this.hasRoom();
  }

  end(): void {
    this.isEnded = true;
  }

  broken(cause: unknown): void {
    this.cause = cause;
  }
}

/** FROM, FROM+1, ..., TO. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
