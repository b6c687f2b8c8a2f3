/** A card and its check, for people at a terminal. All of it is others' text: what could move the cursor is taken out. */
import type { JsonObject, JsonValue } from '../protocol/json.ts';
import { isJsonObject } from '../protocol/scalars.ts';
import type { CardCheck } from './card-check.ts';
import { renderFields, renderTable } from './table.ts';

const MAX_LINES = 100;

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');
const listOf = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject).slice(0, MAX_LINES) : [];
const textsOf = (value: JsonValue | undefined): string =>
  Array.isArray(value) ? value.slice(0, MAX_LINES).map(textOf).join(', ') : '';

export function renderCard(card: JsonObject, check: CardCheck): string {
  const provider = isJsonObject(card['provider']) ? card['provider'] : {};
  const fields: [string, string][] = [
    ['name', textOf(card['name'])],
    ['version', textOf(card['version'])],
    ['description', textOf(card['description'])],
    ['provider', [textOf(provider['organization']), textOf(provider['url'])].filter(Boolean).join(', ')],
    ['documentation', textOf(card['documentationUrl'])],
    ['capabilities', capabilities(card)],
    ['takes', textsOf(card['defaultInputModes'])],
    ['gives', textsOf(card['defaultOutputModes'])],
    ['security', security(card)],
  ];
  const skills = listOf(card['skills']).map((skill) => [
    textOf(skill['id']),
    textOf(skill['name']),
    textOf(skill['description']),
    textsOf(skill['tags']),
  ]);
  return [
    renderFields(fields.filter(([, value]) => value !== '')),
    renderTable(['INTERFACE', 'VERSION', 'URL'], interfaces(card)),
    skills.length === 0 ? 'No skills.\n' : renderTable(['SKILL', 'NAME', 'DESCRIPTION', 'TAGS'], skills),
    renderCheck(check),
  ].join('\n');
}

const TRUST_HINT =
  'name the origin of the keys with --trust, if you know that it is the signer, or give the keys with --jwks';

/** The verdict is the first word of the first line. */
export function renderCheck({
  verdict,
  reason,
  explanation,
  kid,
  trust,
  form,
  uncovered,
  problems,
}: CardCheck): string {
  const facts: [string, string | null][] = [
    ['key', kid],
    ['trust', trust],
    ['form', form],
    ['what to do', verdict === 'untrusted' ? TRUST_HINT : null],
    ['not covered', uncovered.length === 0 ? null : namesOf(uncovered)],
  ];
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null);
  const rows = problems.map(({ field, description }) => [field, description]);
  const valid = rows.length === 0 ? '' : `\nThe card is not valid:\n${renderTable(['FIELD', 'PROBLEM'], rows)}`;
  return `${renderFields([[verdict, `${reason}: ${explanation}`], ...known])}${valid}`;
}

const namesOf = (paths: readonly string[]): string =>
  `${paths.slice(0, 10).join(', ')}${paths.length > 10 ? ` and ${paths.length - 10} more` : ''}; only clients of A2A 1.0 are safe`;

function interfaces(card: JsonObject): string[][] {
  const current = listOf(card['supportedInterfaces']).map((entry) => [
    textOf(entry['protocolBinding']),
    textOf(entry['protocolVersion']),
    textOf(entry['url']),
  ]);
  if (current.length > 0) return current;
  const old = { transport: card['preferredTransport'] ?? 'JSONRPC', url: card['url'] ?? '' };
  const others = listOf(card['additionalInterfaces']).filter(
    (entry) => entry['url'] !== old.url || entry['transport'] !== old.transport,
  );
  return [old, ...others].map((entry) => [
    textOf(entry['transport']),
    textOf(card['protocolVersion']),
    textOf(entry['url']),
  ]);
}

function capabilities(card: JsonObject): string {
  const declared = isJsonObject(card['capabilities']) ? card['capabilities'] : {};
  const names = Object.entries(declared).flatMap(([name, value]) => (value === true ? [name] : []));
  const isOldExtended = card['supportsAuthenticatedExtendedCard'] === true && !names.includes('extendedAgentCard');
  const extensions = listOf(declared['extensions']).map(
    (entry) => `${textOf(entry['uri'])}${entry['required'] === true ? ' (required)' : ''}`,
  );
  return [...names, ...(isOldExtended ? ['extendedAgentCard'] : []), ...extensions].join(', ') || 'none';
}

function security(card: JsonObject): string {
  const schemes = isJsonObject(card['securitySchemes']) ? card['securitySchemes'] : {};
  const kinds = Object.entries(schemes)
    .slice(0, MAX_LINES)
    .map(([name, scheme]) => {
      if (!isJsonObject(scheme)) return name;
      const member = Object.keys(scheme).find((key) => key.endsWith('SecurityScheme'));
      return `${name} (${member?.replace('SecurityScheme', '') ?? textOf(scheme['type'])})`;
    });
  return kinds.join(', ') || 'none';
}
