/** /api/v1/settings and /api/v1/health: how this server is set up, and how it is, for the admin. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import type { ActivityStore, ReportedReplica } from '../../core/activity/activity-store.ts';
import { statusOf } from '../../core/activity/replica-status.ts';
import type { Clock } from '../../core/clock.ts';
import type { Readiness } from '../health.ts';
import type {} from '../request.ts';
import type { Replica, ServerHealth, Settings } from './server-contract.ts';
import { toTime } from './task-json.ts';

export interface ServerFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly replicaId: string;
  readonly database: {
    readonly kind: 'sqlite' | 'postgres';
    readonly description: string;
    ping(): Promise<void>;
    migrationStatus(): Promise<{
      readonly applied: readonly { version: number; name: string; appliedAt: string }[];
      readonly pending: readonly { version: number; name: string }[];
      readonly unknown: readonly { version: number; name: string; appliedAt: string }[];
    }>;
  };
  readonly listeners: () => readonly { readonly name: string; readonly url: string }[];
  readonly load: () => Omit<ServerHealth['load'], 'residentBytes' | 'heapUsedBytes'>;
}

export interface ServerRoutesDeps {
  readonly facts: ServerFacts;
  readonly activity: ActivityStore;
  readonly readiness: Readiness;
  readonly clock: Clock;
  /** In force now, secrets masked. */
  readonly settings: () => Settings;
}

export const MAX_REPLICAS = 100;
const SERVER = { kind: 'server' } as const;

export function registerServer(app: FastifyInstance, deps: ServerRoutesDeps): void {
  const { facts, activity, readiness, clock, settings } = deps;
  app.get('/api/v1/settings', async (request, reply): Promise<Settings> => {
    authorize(request.principal, 'settings.read', SERVER);
    void reply.header('cache-control', 'no-store');
    return settings();
  });

  app.get('/api/v1/health', async (request, reply): Promise<ServerHealth> => {
    authorize(request.principal, 'health.read', SERVER);
    void reply.header('cache-control', 'no-store');
    const { database, startedAtMs } = facts;
    const down = await readiness.check();
    const pingMs = await timeOf(clock, () => database.ping());
    const { applied, pending, unknown } = await database.migrationStatus();
    const replicas = await activity.replicas(MAX_REPLICAS);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      isReady: down.length === 0,
      down: [...down],
      version: facts.version,
      node: process.version,
      startedAt: toTime(startedAtMs),
      uptimeSeconds: Math.floor((clock.now() - startedAtMs) / 1000),
      replicaId: facts.replicaId,
      database: {
        kind: database.kind,
        description: database.description,
        pingMs,
        migrations: { applied: [...applied], pending: [...pending], unknown: [...unknown] },
      },
      listeners: [...facts.listeners()],
      replicas: replicas.map((replica) => healthOf(replica, facts.replicaId)),
      load: { ...facts.load(), residentBytes: rss, heapUsedBytes: heapUsed },
    };
  });
}

export function replicaOf(replica: ReportedReplica): Replica {
  const { id, name, version, startedAtMs, endedAtMs, seenAtMs } = replica;
  return {
    id,
    name,
    version,
    status: statusOf(replica),
    startedAt: toTime(startedAtMs),
    endedAt: endedAtMs === null ? null : toTime(endedAtMs),
    seenAt: toTime(seenAtMs),
  };
}

function healthOf(replica: ReportedReplica, thisId: string): ServerHealth['replicas'][number] {
  const { runningTasks, queuedWrites, leaseLeftMs } = replica;
  return { ...replicaOf(replica), isThis: replica.id === thisId, runningTasks, queuedWrites, leaseLeftMs };
}

/** null: it failed. */
async function timeOf(clock: Clock, work: () => Promise<void>): Promise<number | null> {
  const startMs = clock.now();
  try {
    await work();
    return clock.now() - startMs;
  } catch {
    // Readiness says it, and logs why.
    return null;
  }
}
