/** The management API of agents: what its answers hold. */
import { z } from 'zod';
import { agentCardSchema } from '../../protocol/v1/card-schemas.ts';
import { TASK_STATES } from '../../protocol/v1/types.ts';

export const agentIdParamsSchema = z.object({ agentId: z.string().max(64) });

export const cardCheckSchema = z.object({
  id: z.string().meta({ description: 'Such as `skills-have-examples`; the same in every answer.' }),
  level: z.enum(['ok', 'warning', 'error']),
  path: z.string().meta({ description: 'Where in the card, such as `skills[0].tags`; empty: the card as a whole.' }),
  message: z.string(),
});

export const agentSchema = z.object({
  id: z.string(),
  isDefault: z.boolean().meta({ description: 'It also answers at `/a2a`.' }),
  url: z.string().meta({ description: 'Its address, for clients.' }),
  cardUrl: z.string(),
  name: z.string(),
  description: z.string(),
  version: z.string(),
  counts: z.record(z.enum(TASK_STATES), z.int()).meta({ description: 'Its tasks that the caller may see, by state.' }),
  problems: z
    .object({ warnings: z.int(), errors: z.int() })
    .meta({ description: 'What the checks of its card found.' }),
});
/** GET /api/v1/agents */
export const agentListSchema = z.object({ agents: z.array(agentSchema) });
/** GET /api/v1/agents/{agentId} */
export const agentDetailSchema = agentSchema.extend({
  card: agentCardSchema.meta({ description: 'As it is served, in its 1.0 form.' }),
  checks: z.array(cardCheckSchema),
});

export type AgentRow = z.output<typeof agentSchema>;
export type AgentList = z.output<typeof agentListSchema>;
export type AgentDetail = z.output<typeof agentDetailSchema>;
export type CardCheck = z.output<typeof cardCheckSchema>;
