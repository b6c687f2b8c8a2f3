/** GET /api/v1/task-glances: what a list shows of the tasks in view, beside their rows. */
import { z } from 'zod';

const MAX_GLANCES = 100;

export const glancesQuerySchema = z.strictObject({
  ids: z
    .string()
    .max(8192)
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().max(64)).max(MAX_GLANCES))
    .meta({ description: 'Tasks, with commas; those that may not be seen are left out.' }),
});

export const queuedSchema = z.object({
  since: z.iso.datetime(),
  before: z.int().nullable().meta({
    description:
      'Older tasks of the same owner that wait too; owners take turns. null: more than are counted, 1,000 of all owners that are asked for.',
  }),
  full: z.enum(['server', 'owner', 'agent']).nullable().meta({
    description:
      'Whose limit of running tasks is reached in the process that answers. null: none, it is about to begin here or elsewhere.',
  }),
});

export const glancesSchema = z.object({
  glances: z.array(
    z.object({
      id: z.string(),
      seq: z.int().meta({ description: 'The last event.' }),
      lastAt: z.iso.datetime().meta({ description: 'The time of the last event.' }),
      rate: z.string().meta({
        description:
          'A digit for each sixteenth of its life: 0 for no events, 9 for the most; estimated from a few of them. Empty: it was over within milliseconds, or is not known.',
      }),
      queued: queuedSchema.nullable().meta({
        description: 'It waits for a replica with room. null: it does not.',
      }),
    }),
  ),
});

export type Glances = z.output<typeof glancesSchema>;
export type Queued = z.output<typeof queuedSchema>;
