/** /api/v1/settings and /api/v1/health: how this server is set up, and how it is, for the admin. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import type { Clock } from '../../core/clock.ts';
import type { Readiness } from '../health.ts';
import type {} from '../request.ts';
import type { ServerHealth, Settings } from './server-contract.ts';
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
  readonly readiness: Readiness;
  readonly clock: Clock;
  /** In force now, secrets masked. */
  readonly settings: () => Settings;
}

const SERVER = { kind: 'server' } as const;

export function registerServer(app: FastifyInstance, { facts, readiness, clock, settings }: ServerRoutesDeps): void {
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
      load: { ...facts.load(), residentBytes: rss, heapUsedBytes: heapUsed },
    };
  });
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
