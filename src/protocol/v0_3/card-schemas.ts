/** The A2A 0.3.0 AgentCard as a zod schema (specification 0.3.0 section 5.5): to check the card of another agent. */
import { z } from 'zod';
import { optionalField } from '../scalars.ts';
import type { AgentCard } from './types.ts';

const text = z.string();
const texts = z.array(text);
const url = text.min(1);
const requirements = z.array(z.record(text, texts));

const skillSchema = z.object({
  id: text.min(1),
  name: text,
  description: text,
  tags: texts,
  examples: optionalField(texts),
  inputModes: optionalField(texts),
  outputModes: optionalField(texts),
  security: optionalField(requirements),
});

/** The members of a scheme are passed on as they are: only the kind is looked at. */
const securitySchemeSchema = z.looseObject({
  type: z.enum(['apiKey', 'http', 'oauth2', 'openIdConnect', 'mutualTLS']),
});

export const agentCardSchema: z.ZodType<AgentCard> = z.looseObject({
  protocolVersion: text.regex(/^0\.3(\.\d+)?$/, 'must be 0.3 or 0.3.x'),
  name: text.min(1),
  description: text,
  url,
  preferredTransport: optionalField(text),
  additionalInterfaces: optionalField(z.array(z.object({ url, transport: text.min(1) }))),
  iconUrl: optionalField(text),
  provider: optionalField(z.object({ organization: text, url: text })),
  version: text.min(1),
  documentationUrl: optionalField(text),
  capabilities: z.looseObject({
    streaming: optionalField(z.boolean()),
    pushNotifications: optionalField(z.boolean()),
  }),
  securitySchemes: optionalField(z.record(text, securitySchemeSchema)),
  security: optionalField(requirements),
  defaultInputModes: texts,
  defaultOutputModes: texts,
  skills: z.array(skillSchema),
  supportsAuthenticatedExtendedCard: optionalField(z.boolean()),
});
