/** GET /api/v1/settings and GET /api/v1/health: the server about itself, for the admin. */
import { z } from 'zod';

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
  load: z.object({
    runningTasks: z.int(),
    queuedWrites: z.int(),
    openStreams: z.int(),
    liveConnections: z.int(),
    residentBytes: z.int(),
    heapUsedBytes: z.int(),
  }),
});

export type Settings = z.output<typeof settingsSchema>;
export type ServerHealth = z.output<typeof healthSchema>;
