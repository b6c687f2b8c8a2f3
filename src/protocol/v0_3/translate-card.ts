/** The AgentCard in 0.3 form, in the form that clients of both versions read, and a 0.3 card as a 1.0 one. */
import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../scalars.ts';
import type * as v1 from '../v1/types.ts';
import type * as v03 from './types.ts';

/** The `protocolVersion` of a 0.3 card. */
export const CARD_PROTOCOL_VERSION = '0.3.0';

/** The 0.3 form. Its interfaces are those that the card declares for 0.3, or all where it declares none. */
export function cardToV03(card: v1.AgentCard): v03.AgentCard {
  const { extendedAgentCard, ...capabilities } = card.capabilities;
  return {
    ...interfacesToV03(card.supportedInterfaces),
    name: card.name,
    description: card.description,
    ...(card.iconUrl === undefined ? {} : { iconUrl: card.iconUrl }),
    ...(card.provider === undefined ? {} : { provider: card.provider }),
    version: card.version,
    ...(card.documentationUrl === undefined ? {} : { documentationUrl: card.documentationUrl }),
    capabilities,
    ...(card.securitySchemes === undefined
      ? {}
      : { securitySchemes: mapValues(card.securitySchemes, securitySchemeToV03) }),
    ...(card.securityRequirements === undefined ? {} : { security: card.securityRequirements.map(requirementToV03) }),
    defaultInputModes: card.defaultInputModes,
    defaultOutputModes: card.defaultOutputModes,
    skills: card.skills.map(skillToV03),
    supportsAuthenticatedExtendedCard: extendedAgentCard ?? false,
  };
}

/**
 * One card that clients of both versions read: the 1.0 card with the 0.3 fields beside it. Where both give a field
 * another shape, the object has the fields of both: a security scheme is the 1.0 oneof member and the 0.3 `type` with
 * its fields, a skill has `securityRequirements` and `security`. Unknown fields are ignored by both (A2A 1.0 section
 * 5.7). `supportedInterfaces` tells a 1.0 client that it may read the card as 1.0.
 */
export function combinedCard(card: v1.AgentCard): object {
  const old = cardToV03(card);
  return {
    ...old,
    ...card,
    capabilities: card.capabilities,
    ...(card.securitySchemes === undefined
      ? {}
      : {
          securitySchemes: mapValues(card.securitySchemes, (scheme) => ({ ...securitySchemeToV03(scheme), ...scheme })),
        }),
    skills: card.skills.map((skill) => ({ ...skillToV03(skill), ...skill })),
  };
}

function interfacesToV03(
  interfaces: readonly v1.AgentInterface[],
): Pick<v03.AgentCard, 'protocolVersion' | 'url' | 'preferredTransport' | 'additionalInterfaces'> {
  const declared = interfaces.filter((entry) => /^0\.3(\.|$)/.test(entry.protocolVersion));
  const usable = declared.length > 0 ? declared : interfaces;
  const additionalInterfaces = usable.map(({ url, protocolBinding }) => ({ url, transport: protocolBinding }));
  return {
    protocolVersion: CARD_PROTOCOL_VERSION,
    url: usable[0]?.url ?? '',
    preferredTransport: usable[0]?.protocolBinding ?? 'JSONRPC',
    additionalInterfaces,
  };
}

function skillToV03(skill: v1.AgentSkill): v03.AgentSkill {
  const { securityRequirements, ...same } = skill;
  return securityRequirements === undefined ? same : { ...same, security: securityRequirements.map(requirementToV03) };
}

function requirementToV03(requirement: v1.SecurityRequirement): v03.SecurityRequirement {
  return mapValues(requirement.schemes, (scopes) => scopes.list ?? []);
}

function securitySchemeToV03(scheme: v1.SecurityScheme): v03.SecurityScheme {
  if ('apiKeySecurityScheme' in scheme) {
    const { location, ...same } = scheme.apiKeySecurityScheme;
    return { type: 'apiKey', in: location, ...same };
  }
  if ('httpAuthSecurityScheme' in scheme) return { type: 'http', ...scheme.httpAuthSecurityScheme };
  if ('openIdConnectSecurityScheme' in scheme) return { type: 'openIdConnect', ...scheme.openIdConnectSecurityScheme };
  if ('mtlsSecurityScheme' in scheme) return { type: 'mutualTLS', ...scheme.mtlsSecurityScheme };
  return { type: 'oauth2', ...scheme.oauth2SecurityScheme, flows: flowsToV03(scheme.oauth2SecurityScheme.flows) };
}

function flowsToV03(flows: JsonValue | undefined): JsonObject {
  if (!isJsonObject(flows)) return {};
  const { deviceCode: _deviceCode, authorizationCode, ...same } = flows;
  if (!isJsonObject(authorizationCode)) return same;
  const { pkceRequired: _pkceRequired, ...flow } = authorizationCode;
  return { ...same, authorizationCode: flow };
}

/** A 0.3 card as a 1.0 one: for agents that speak only 0.3. */
export function cardToV1(card: v03.AgentCard): v1.AgentCard {
  const { stateTransitionHistory: _gone, ...capabilities } = card.capabilities;
  return {
    name: card.name,
    description: card.description,
    supportedInterfaces: interfacesToV1(card),
    ...(card.provider === undefined ? {} : { provider: card.provider }),
    version: card.version,
    ...(card.documentationUrl === undefined ? {} : { documentationUrl: card.documentationUrl }),
    capabilities: { ...capabilities, extendedAgentCard: card.supportsAuthenticatedExtendedCard ?? false },
    ...(card.securitySchemes === undefined
      ? {}
      : { securitySchemes: mapValues(card.securitySchemes, securitySchemeToV1) }),
    ...(card.security === undefined ? {} : { securityRequirements: card.security.map(requirementToV1) }),
    defaultInputModes: card.defaultInputModes,
    defaultOutputModes: card.defaultOutputModes,
    skills: card.skills.map(skillToV1),
    ...(card.iconUrl === undefined ? {} : { iconUrl: card.iconUrl }),
  };
}

/** The preferred interface first; the additional ones often name it a second time. */
function interfacesToV1(card: v03.AgentCard): v1.AgentInterface[] {
  const entries = [
    { url: card.url, transport: card.preferredTransport ?? 'JSONRPC' },
    ...(card.additionalInterfaces ?? []),
  ];
  const seen = new Set<string>();
  const interfaces: v1.AgentInterface[] = [];
  for (const { url, transport } of entries) {
    const key = `${transport} ${url}`;
    if (seen.has(key)) continue;
    seen.add(key);
    interfaces.push({ url, protocolBinding: transport, protocolVersion: '0.3' });
  }
  return interfaces;
}

function skillToV1(skill: v03.AgentSkill): v1.AgentSkill {
  const { security, ...same } = skill;
  return security === undefined ? same : { ...same, securityRequirements: security.map(requirementToV1) };
}

function requirementToV1(requirement: v03.SecurityRequirement): v1.SecurityRequirement {
  return { schemes: mapValues(requirement, (list) => ({ list })) };
}

function securitySchemeToV1(scheme: v03.SecurityScheme): v1.SecurityScheme {
  const { type, ...fields } = scheme;
  const description = typeof fields.description === 'string' ? { description: fields.description } : {};
  switch (type) {
    case 'apiKey':
      return {
        apiKeySecurityScheme: { ...description, location: textOf(fields.in), name: textOf(fields.name) },
      };
    case 'http': {
      const bearerFormat = typeof fields.bearerFormat === 'string' ? { bearerFormat: fields.bearerFormat } : {};
      return { httpAuthSecurityScheme: { ...description, scheme: textOf(fields.scheme), ...bearerFormat } };
    }
    case 'oauth2':
      return { oauth2SecurityScheme: asJsonObject(fields) };
    case 'openIdConnect':
      return { openIdConnectSecurityScheme: asJsonObject(fields) };
    case 'mutualTLS':
      return { mtlsSecurityScheme: asJsonObject(fields) };
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asJsonObject(fields: Record<string, unknown>): JsonObject {
  return isJsonObject(fields) ? fields : {};
}

/** Names of schemes are the card author's: `fromEntries` defines them as own properties, whatever they are called. */
function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
