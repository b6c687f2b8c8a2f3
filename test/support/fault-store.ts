/** A store that tests can hold open, delay, or make fail at chosen commits; everything else is the store within. */
import type {
  ClaimQuery,
  CommitResult,
  ContentQuery,
  Deduplication,
  ListQuery,
  TaskScope,
  TaskStore,
  TaskWrite,
} from '../../src/core/tasks/store.ts';

/** A gate that whoever passes waits at until it is opened; it stays open then. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

export class FaultStore implements TaskStore {
  /** Commits begun so far. */
  commits = 0;
  /** As if so many other replicas were alive: on SQLite the last one to start is the only one. */
  otherReplicas: number | undefined;
  /** Claims begun so far. */
  claims = 0;
  /** Looks at the queue begun so far. */
  looks = 0;
  /** Writes of the commits that have begun and not been answered yet. */
  underWay: TaskWrite[] = [];
  /** Called before a commit reaches the store; what it throws is what the commit rejects with. */
  before: (writes: readonly TaskWrite[], commit: number) => Promise<void> | void = () => undefined;
  /** Called when a commit is in the store, before anyone is told. */
  after: (writes: readonly TaskWrite[], commit: number) => Promise<void> | void = () => undefined;
  /** Called before a page of events is read. */
  beforeEvents: () => Promise<void> | void = () => undefined;
  /** Called before the positions of many tasks are read. */
  beforeSeqs: () => Promise<void> | void = () => undefined;
  beforeHeartbeat: () => Promise<void> | void = () => undefined;
  beforeClaim: (query: ClaimQuery) => Promise<void> | void = () => undefined;
  /** Called when the queue was looked at, before anyone is told. */
  afterBacklog: () => Promise<void> | void = () => undefined;
  beforeRead: () => Promise<void> | void = () => undefined;
  readonly #store: TaskStore;

  constructor(store: TaskStore) {
    this.#store = store;
  }

  /** Holds every commit from now on before it reaches the store, until the gate is opened. */
  hold(): Gate {
    const held = gate();
    this.before = () => held.passed;
    return held;
  }

  /** Makes the next `count` commits fail as a whole. */
  failNext(count = 1): void {
    let left = count;
    this.before = () => {
      if (left-- > 0) throw new Error('disk full');
      this.before = () => undefined;
    };
  }

  async commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]> {
    const commit = ++this.commits;
    this.underWay.push(...writes);
    try {
      await this.before(writes, commit);
      const results = await this.#store.commit(writes);
      await this.after(writes, commit);
      return results;
    } finally {
      this.underWay = this.underWay.filter((write) => !writes.includes(write));
    }
  }

  async readHead(scope: TaskScope, taskId: string) {
    await this.beforeRead();
    return this.#store.readHead(scope, taskId);
  }

  async readTask(scope: TaskScope, taskId: string, query: ContentQuery) {
    await this.beforeRead();
    return this.#store.readTask(scope, taskId, query);
  }

  async readEvents(taskId: string, afterSeq: number, limit: number) {
    await this.beforeEvents();
    return this.#store.readEvents(taskId, afterSeq, limit);
  }

  readDuplicate(dedup: Deduplication) {
    return this.#store.readDuplicate(dedup);
  }

  listTasks(query: ListQuery) {
    return this.#store.listTasks(query);
  }

  async readSeqs(taskIds: readonly string[]) {
    await this.beforeSeqs();
    return this.#store.readSeqs(taskIds);
  }

  async heartbeat(replicaId: string, ttlMs: number) {
    await this.beforeHeartbeat();
    return this.#store.heartbeat(replicaId, ttlMs);
  }

  retireReplica(replicaId: string) {
    return this.#store.retireReplica(replicaId);
  }

  async claimTasks(query: ClaimQuery) {
    this.claims++;
    await this.beforeClaim(query);
    return this.#store.claimTasks(query);
  }

  async readBacklog(replicaId: string, limit: number) {
    this.looks++;
    const backlog = await this.#store.readBacklog(replicaId, limit);
    await this.afterBacklog();
    return { ...backlog, otherReplicas: this.otherReplicas ?? backlog.otherReplicas };
  }

  findLeased(replicaId: string, limit: number) {
    return this.#store.findLeased(replicaId, limit);
  }

  trimLogs(endedBeforeMs: number, limit: number) {
    return this.#store.trimLogs(endedBeforeMs, limit);
  }

  pruneDeduplication(nowMs: number, limit: number) {
    return this.#store.pruneDeduplication(nowMs, limit);
  }

  deleteTasks(endedBeforeMs: number, limit: number) {
    return this.#store.deleteTasks(endedBeforeMs, limit);
  }

  removeLogs() {
    return this.#store.removeLogs();
  }
}
