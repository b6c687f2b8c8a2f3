/** The A2A 1.0 AgentCard as zod schemas (section 4.4 and 4.5): to check the card of another agent, and for OpenAPI. */
import { z } from 'zod';
import { jsonObjectSchema, optionalField } from '../scalars.ts';
import type {
  AgentCapabilities,
  AgentCard,
  AgentCardSignature,
  AgentExtension,
  AgentInterface,
  AgentSkill,
  SecurityRequirement,
  SecurityScheme,
} from './types.ts';

const text = z.string();
const optionalText = optionalField(text);
const texts = z.array(text);

export const agentInterfaceSchema: z.ZodType<AgentInterface> = z.object({
  url: text.min(1),
  protocolBinding: text.min(1),
  tenant: optionalText,
  protocolVersion: text.min(1),
});

export const agentExtensionSchema: z.ZodType<AgentExtension> = z.object({
  uri: text,
  description: optionalText,
  required: optionalField(z.boolean()),
  params: optionalField(jsonObjectSchema),
});

export const agentCapabilitiesSchema: z.ZodType<AgentCapabilities> = z.object({
  streaming: optionalField(z.boolean()),
  pushNotifications: optionalField(z.boolean()),
  extensions: optionalField(z.array(agentExtensionSchema)),
  extendedAgentCard: optionalField(z.boolean()),
});

export const securityRequirementSchema: z.ZodType<SecurityRequirement> = z.object({
  schemes: z.record(text, z.object({ list: optionalField(texts) })),
});

export const agentSkillSchema: z.ZodType<AgentSkill> = z.object({
  id: text.min(1),
  name: text,
  description: text,
  tags: texts,
  examples: optionalField(texts),
  inputModes: optionalField(texts),
  outputModes: optionalField(texts),
  securityRequirements: optionalField(z.array(securityRequirementSchema)),
});

/** A oneof: exactly one member. The members that Parley only passes on are not looked into. */
export const securitySchemeSchema: z.ZodType<SecurityScheme> = z.union([
  z.object({
    apiKeySecurityScheme: z.object({ description: optionalText, location: text, name: text }),
  }),
  z.object({
    httpAuthSecurityScheme: z.object({ description: optionalText, scheme: text, bearerFormat: optionalText }),
  }),
  z.object({ oauth2SecurityScheme: jsonObjectSchema }),
  z.object({ openIdConnectSecurityScheme: jsonObjectSchema }),
  z.object({ mtlsSecurityScheme: jsonObjectSchema }),
]);

export const agentCardSignatureSchema: z.ZodType<AgentCardSignature> = z.object({
  protected: text.min(1),
  signature: text.min(1),
  header: optionalField(jsonObjectSchema),
});

/** Section 4.4.1. Required arrays must have an element (section 5.7); skills may be empty, as many agents have none. */
export const agentCardSchema: z.ZodType<AgentCard> = z.object({
  name: text.min(1),
  description: text,
  supportedInterfaces: z.array(agentInterfaceSchema).min(1),
  provider: optionalField(z.object({ url: text, organization: text })),
  version: text.min(1),
  documentationUrl: optionalText,
  capabilities: agentCapabilitiesSchema,
  securitySchemes: optionalField(z.record(text, securitySchemeSchema)),
  securityRequirements: optionalField(z.array(securityRequirementSchema)),
  defaultInputModes: texts,
  defaultOutputModes: texts,
  skills: z.array(agentSkillSchema),
  signatures: optionalField(z.array(agentCardSignatureSchema)),
  iconUrl: optionalText,
});
