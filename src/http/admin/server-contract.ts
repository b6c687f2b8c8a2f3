/** GET /api/v1/settings and GET /api/v1/health: the server about itself, for the admin. */
import { z } from 'zod';
import { REPLICA_STATUSES } from '../../core/activity/replica-status.ts';

export const settingsSchema = z.object({
  configFile: z.string().nullable(),
  settings: z.array(
    z.object({
      key: z.string().meta({ description: 'Such as `server.port`.' }),
      value: z.unknown().meta({ description: 'In force now; secrets are masked; null: not set.' }),
      source: z
        .string()
        .meta({ description: '`default`, `parley.yaml:3`, `env PORT`, `.env PORT` or `argument server.port`.' }),
      env: z.string().nullable().meta({ description: 'The environment variable that sets it.' }),
      isSecret: z.boolean(),
      description: z.string(),
    }),
  ),
});

const migrationSchema = z.object({ version: z.int(), name: z.string() });
const appliedSchema = migrationSchema.extend({ appliedAt: z.iso.datetime() });

/** A replica, as overview and health name it. */
export const replicaSchema = z.object({
  id: z.string().meta({ description: 'Of this start of its process.' }),
  name: z.string().meta({ description: '`host:port`.' }),
  version: z.string(),
  status: z.enum(REPLICA_STATUSES).meta({
    description:
      '`alive`: its leases hold. `late`: they have just run out. `gone`: they ran out a minute ago or more. `stopped`: it ended in good order.',
  }),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable().meta({ description: 'null: it did not stop in good order, or runs.' }),
  seenAt: z.iso.datetime().meta({ description: 'When it last said how it is, which is every ten seconds.' }),
});

const replicaHealthSchema = replicaSchema.extend({
  isThis: z.boolean().meta({ description: 'It is the one that answers.' }),
  runningTasks: z.int(),
  queuedWrites: z.int(),
  leaseLeftMs: z.int().nullable().meta({
    description: 'How long its leases hold from now on; negative: since when they do not. null: it has none.',
  }),
});

export const healthSchema = z.object({
  isReady: z.boolean(),
  down: z.array(z.string()).meta({ description: 'What is missing; empty: nothing.' }),
  version: z.string(),
  node: z.string(),
  startedAt: z.iso.datetime(),
  uptimeSeconds: z.int(),
  replicaId: z.string(),
  database: z.object({
    kind: z.enum(['sqlite', 'postgres']),
    description: z.string(),
    pingMs: z.number().nullable().meta({ description: 'null: it does not answer.' }),
    migrations: z.object({
      applied: z.array(appliedSchema),
      pending: z.array(migrationSchema),
      unknown: z.array(appliedSchema).meta({ description: 'Applied by a newer program than this one.' }),
    }),
  }),
  listeners: z.array(z.object({ name: z.string(), url: z.string() })),
  replicas: z.array(replicaHealthSchema).meta({
    description: 'Those that share the database, of the last day, the latest start first, at most 100.',
  }),
  load: z.object({
    runningTasks: z.int(),
    queuedTasks: z.int().meta({ description: 'Tasks that wait for a replica with room, whichever.' }),
    queuedWrites: z.int(),
    openStreams: z.int(),
    liveConnections: z.int(),
    residentBytes: z.int(),
    heapUsedBytes: z.int(),
  }),
});

export type Settings = z.output<typeof settingsSchema>;
export type ServerHealth = z.output<typeof healthSchema>;
export type Replica = z.output<typeof replicaSchema>;
