/** Several replicas in one process: engines that live side by side on one store, with a bus whose every payload a test decides on. */
import { randomBytes } from 'node:crypto';
import { InProcessNetwork } from '../../src/bus/in-process.ts';
import type { Agent } from '../../src/core/agents/registry.ts';
import type { ReplicaBus } from '../../src/core/replicas/bus.ts';
import type { ReplicaLinkOptions } from '../../src/core/replicas/link.ts';
import { type DropReason, NO_REPLICA_METRICS } from '../../src/core/replicas/metrics.ts';
import { AesGcmLetterSeal } from '../../src/core/replicas/seal.ts';
import { keyRing } from '../../src/core/secrets/encryption-keys.ts';
import { FaultStore } from './fault-store.ts';
import { type Bench, BenchFiles, type BenchOptions, Follower, turns, until } from './task-bench.ts';

const ENCRYPTION_KEY = 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=';

/** One process owns a SQLite file, and takes every other replica for dead: here they live until they are killed. */
class SharedStore extends FaultStore {
  readonly #files: BenchFiles;
  /** Pages of events read, and look-ups of many tasks. */
  pages = 0;
  lookUps = 0;

  constructor(files: BenchFiles, ...[store]: ConstructorParameters<typeof FaultStore>) {
    super(store);
    this.#files = files;
  }

  override async heartbeat(replicaId: string): Promise<number> {
    await this.beforeHeartbeat();
    const { connection } = this.#files.database;
    connection.prepare('insert or ignore into replicas (id, started_at, expires_at) values (?, 0, 0)').run(replicaId);
    const { others } = connection.prepare('select count(*) - 1 as others from replicas').get() as { others: number };
    return others;
  }

  override readEvents(taskId: string, afterSeq: number, limit: number) {
    this.pages++;
    return super.readEvents(taskId, afterSeq, limit);
  }

  override readSeqs(taskIds: readonly string[]) {
    this.lookUps++;
    return super.readSeqs(taskIds);
  }
}

/** As the servers of one installation have it. */
export function linkOver(bus: ReplicaBus): ReplicaLinkOptions {
  const seal = new AesGcmLetterSeal(keyRing([ENCRYPTION_KEY]), randomBytes);
  return { bus, seal, metrics: NO_REPLICA_METRICS };
}

export interface Replica extends Bench {
  readonly store: SharedStore;
}

export class ReplicaBench {
  readonly files = new BenchFiles();
  readonly network = new InProcessNetwork();

  /** A replica that the others and it know of. */
  async start(agents: readonly Agent[], link: Partial<ReplicaLinkOptions> = {}, options: BenchOptions = {}) {
    const bench = await this.files.start(agents, {
      storeOf: (store) => new SharedStore(this.files, store),
      link: { ...linkOver(this.network.join()), ...link },
      ...options,
    });
    await until('the bus to be up', () => bench.engine.link?.isUp === true);
    await turns(5);
    return bench as Replica;
  }

  /** As after a kill -9, once its lease has expired: its engine may go on, and others may take its tasks. */
  presumeDead({ engine }: Bench): void {
    this.files.database.connection.prepare('delete from replicas where id = ?').run(engine.replicaId);
  }

  close(): Promise<void> {
    return this.files.close();
  }
}

/** Counts what a replica sends. */
export function counted() {
  const counts = { sent: 0, received: 0, dropped: [] as DropReason[] };
  const metrics = {
    payloadsSent: (count: number) => {
      counts.sent += count;
    },
    payloadReceived: () => {
      counts.received++;
    },
    dropped: (reason: DropReason) => void counts.dropped.push(reason),
  };
  return { counts, metrics };
}

export async function follow(replica: Replica, id: string): Promise<Follower> {
  const follower = new Follower();
  await replica.service.subscribe(replica.call(), { id }, follower);
  return follower;
}
