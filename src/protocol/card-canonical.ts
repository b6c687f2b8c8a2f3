/**
 * The bytes that a card's signature covers (A2A 1.0 section 8.4.1): JSON by RFC 8785, without `signatures`. Verifiers
 * differ in what they take out before that, so there are three forms of one card; a verifier needs one signature to hold.
 */
import canonicalize from 'canonicalize';
import { AppError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject } from './scalars.ts';

/**
 * `specified`: the fields of the 1.0 definition by its presence rules, as the specification says.
 * `compact`: the same without anything that is empty, as the official SDKs do it.
 * `received`: every field as it was sent, those of 0.3 and unknown ones too, for verifiers without the definition.
 */
export const CARD_FORMS = ['specified', 'compact', 'received'] as const;
export type CardForm = (typeof CARD_FORMS)[number];

/** required: kept even where empty. set: kept wherever it was sent. filled: dropped where it has its default. */
type Presence = 'required' | 'set' | 'filled';

interface Field {
  readonly presence: Presence;
  /** undefined: a scalar or free JSON, kept as it is. */
  readonly message?: Message;
  readonly shape?: 'list' | 'map';
}
type Message = Readonly<Record<string, Field>>;

const REQUIRED: Field = { presence: 'required' };
const SET: Field = { presence: 'set' };
const FILLED: Field = { presence: 'filled' };
/** A field with a message has presence: it was sent, or it was not. */
const one = (message: Message): Field => ({ presence: 'set', message });
const list = (message: Message, presence: Presence = 'filled'): Field => ({ presence, message, shape: 'list' });
const map = (message: Message): Field => ({ presence: 'filled', message, shape: 'map' });

const SECURITY_REQUIREMENT: Message = { schemes: map({ list: FILLED }) };
const SCOPED = { tokenUrl: REQUIRED, refreshUrl: FILLED, scopes: REQUIRED };
const DEPRECATED_FLOW = { authorizationUrl: FILLED, tokenUrl: FILLED, refreshUrl: FILLED, scopes: FILLED };
const SECURITY_SCHEME: Message = {
  apiKeySecurityScheme: one({ description: FILLED, location: REQUIRED, name: REQUIRED }),
  httpAuthSecurityScheme: one({ description: FILLED, scheme: REQUIRED, bearerFormat: FILLED }),
  oauth2SecurityScheme: one({
    description: FILLED,
    flows: one({
      authorizationCode: one({ ...SCOPED, authorizationUrl: REQUIRED, pkceRequired: FILLED }),
      clientCredentials: one(SCOPED),
      implicit: one(DEPRECATED_FLOW),
      password: one(DEPRECATED_FLOW),
      deviceCode: one({ ...SCOPED, deviceAuthorizationUrl: REQUIRED }),
    }),
    oauth2MetadataUrl: FILLED,
  }),
  openIdConnectSecurityScheme: one({ description: FILLED, openIdConnectUrl: REQUIRED }),
  mtlsSecurityScheme: one({ description: FILLED }),
};
/** The definition of the AgentCard as far as presence goes; `signatures` is left out. */
const AGENT_CARD: Message = {
  name: REQUIRED,
  description: REQUIRED,
  supportedInterfaces: list(
    { url: REQUIRED, protocolBinding: REQUIRED, tenant: FILLED, protocolVersion: REQUIRED },
    'required',
  ),
  provider: one({ url: REQUIRED, organization: REQUIRED }),
  version: REQUIRED,
  documentationUrl: SET,
  capabilities: one({
    streaming: SET,
    pushNotifications: SET,
    extensions: list({ uri: FILLED, description: FILLED, required: FILLED, params: SET }),
    extendedAgentCard: SET,
  }),
  securitySchemes: map(SECURITY_SCHEME),
  securityRequirements: list(SECURITY_REQUIREMENT),
  defaultInputModes: REQUIRED,
  defaultOutputModes: REQUIRED,
  skills: list(
    {
      id: REQUIRED,
      name: REQUIRED,
      description: REQUIRED,
      tags: REQUIRED,
      examples: FILLED,
      inputModes: FILLED,
      outputModes: FILLED,
      securityRequirements: list(SECURITY_REQUIREMENT),
    },
    'required',
  ),
  iconUrl: SET,
};

/** The payload of each form. Throws INVALID_REQUEST for what no signature can cover, such as lone surrogates. */
export function canonicalCard(card: JsonObject, form: CardForm): string {
  try {
    return canonicalize(formOf(card, form)) ?? '{}';
  } catch (cause) {
    throw new AppError('INVALID_REQUEST', 'The card cannot be canonicalized by RFC 8785', { cause });
  }
}

function formOf(card: JsonObject, form: CardForm): JsonValue {
  if (form === 'specified') return pick(card, AGENT_CARD);
  if (form === 'compact') return withoutEmpty(pick(card, AGENT_CARD)) ?? {};
  const { signatures: _signatures, ...rest } = card;
  return rest;
}

/** The different payloads of a card: forms that come to the same bytes need one signature. */
export function canonicalPayloads(card: JsonObject): readonly string[] {
  return [...new Set(CARD_FORMS.map((form) => canonicalCard(card, form)))];
}

function pick(object: JsonObject, message: Message): JsonObject {
  const picked: [string, JsonValue][] = [];
  for (const [name, field] of Object.entries(message)) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    // By ProtoJSON, null is absence.
    if (value === undefined || value === null) continue;
    if (field.presence === 'filled' && isDefault(value)) continue;
    picked.push([name, field.message === undefined ? value : pickInto(value, field.message, field.shape)]);
  }
  return Object.fromEntries(picked);
}

/** What has another type than the definition stays as it is: the card is not valid, and no signature makes it so. */
function pickInto(value: JsonValue, message: Message, shape: Field['shape']): JsonValue {
  const inner = (item: JsonValue): JsonValue => (isJsonObject(item) ? pick(item, message) : item);
  if (shape === 'list') return Array.isArray(value) ? value.map(inner) : value;
  if (shape === 'map') {
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
  }
  return inner(value);
}

/**
 * Paths of the fields that only the form `received` covers: those of 0.3 and unknown ones. Who reads them must not rely
 * on a signature of another form.
 */
export function fieldsOutside(card: JsonObject): readonly string[] {
  return outside(card, AGENT_CARD, '').filter((path) => path !== 'signatures');
}

function outside(object: JsonObject, message: Message, prefix: string): string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const field = Object.hasOwn(message, name) ? message[name] : undefined;
    if (value === null) return [];
    if (field === undefined) return [`${prefix}${name}`];
    if (field.message === undefined) return [];
    const inner = field.message;
    const within = (item: JsonValue, path: string) => (isJsonObject(item) ? outside(item, inner, `${path}.`) : []);
    if (Array.isArray(value)) return value.flatMap((item, index) => within(item, `${prefix}${name}[${index}]`));
    if (field.shape !== 'map' || !isJsonObject(value)) return within(value, `${prefix}${name}`);
    return Object.entries(value).flatMap(([key, item]) => within(item, `${prefix}${name}.${key}`));
  });
}

function isDefault(value: JsonValue): boolean {
  if (value === '' || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** null: nothing is left. */
function withoutEmpty(value: JsonValue): JsonValue {
  if (value === '') return null;
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty).filter((item) => item !== null);
    return items.length === 0 ? null : items;
  }
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).map(([name, field]): [string, JsonValue] => [name, withoutEmpty(field)]);
  const left = fields.filter(([, field]) => field !== null);
  return left.length === 0 ? null : Object.fromEntries(left);
}
