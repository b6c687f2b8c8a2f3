/** The wire's schemas as JSON Schema, for OpenAPI: made from the same zod schemas that decode requests. */
import { z } from 'zod';
import { isJsonObject, jsonObjectSchema } from './scalars.ts';
import * as v03 from './v0_3/schemas.ts';
import * as cards from './v1/card-schemas.ts';
import * as schemas from './v1/schemas.ts';

/** The named schemas of A2A 1.0, and what A2A 0.3 has for the requests of its JSON-RPC binding. */
const NAMED = {
  Part: schemas.partSchema,
  Message: schemas.messageSchema,
  Artifact: schemas.artifactSchema,
  TaskStatus: schemas.taskStatusSchema,
  Task: schemas.taskSchema,
  TaskStatusUpdateEvent: schemas.statusUpdateSchema,
  TaskArtifactUpdateEvent: schemas.artifactUpdateSchema,
  StreamResponse: schemas.streamResponseSchema,
  TaskPushNotificationConfig: schemas.pushConfigSchema,
  SendMessageConfiguration: schemas.sendConfigurationSchema,
  SendMessageRequest: schemas.sendMessageSchema,
  SendMessageResponse: schemas.sendMessageResponseSchema,
  GetTaskRequest: schemas.getTaskSchema,
  ListTasksRequest: schemas.listTasksSchema,
  ListTasksResponse: schemas.listTasksResponseSchema,
  TaskIdRequest: schemas.taskIdSchema,
  PushConfigIdRequest: schemas.pushConfigIdSchema,
  ListTaskPushNotificationConfigsRequest: schemas.listPushConfigsSchema,
  ListTaskPushNotificationConfigsResponse: schemas.listPushConfigsResponseSchema,
  AgentInterface: cards.agentInterfaceSchema,
  AgentSkill: cards.agentSkillSchema,
  SecurityRequirement: cards.securityRequirementSchema,
  SecurityScheme: cards.securitySchemeSchema,
  AgentCard: cards.agentCardSchema,
  V03Part: v03.partSchema,
  V03Message: v03.messageSchema,
  V03PushNotificationConfig: v03.pushConfigSchema,
  V03MessageSendConfiguration: v03.sendConfigurationSchema,
  V03MessageSendParams: v03.sendMessageSchema,
  V03TaskQueryParams: v03.getTaskSchema,
  V03ListTasksParams: v03.listTasksSchema,
  V03TaskIdParams: v03.taskIdSchema,
  V03TaskPushNotificationConfig: v03.setPushConfigSchema,
  V03GetPushNotificationConfigParams: v03.getPushConfigSchema,
  V03DeletePushNotificationConfigParams: v03.deletePushConfigSchema,
} as const;

/**
 * JSON Schemas (draft 2020-12) by name. References between them read `<prefix><name>`; unknown fields are allowed, as
 * A2A 1.0 section 5.7 asks.
 */
export function wireJsonSchemas(prefix = '#/components/schemas/'): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  const { schemas: all } = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => `${prefix}${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === jsonObjectSchema) jsonSchema.type = 'object';
    },
  });
  return Object.fromEntries(Object.entries(all).map(([name, schema]) => [name, withoutIdentity(schema)]));
}

/** `$id` and `$schema` belong to documents of their own, not to components of one. */
function withoutIdentity(schema: object): object {
  const { $id: _id, $schema: _dialect, id: _name, ...body } = isJsonObject(schema) ? schema : {};
  return body;
}
