/** What is good and what is not in an agent card: the rules of A2A 1.0 section 8, then what helps those who read it. */
import { agentCardSchema } from '../../protocol/v1/card-schemas.ts';
import type { AgentCard } from '../../protocol/v1/types.ts';
import { violationsOf } from '../../protocol/violations.ts';

export interface CardCheck {
  readonly id: string;
  readonly level: 'ok' | 'warning' | 'error';
  /** Where in the card; empty: as a whole. */
  readonly path: string;
  readonly message: string;
}

interface Finding {
  readonly path: string;
  readonly message: string;
}

interface Rule {
  readonly id: string;
  readonly level: 'warning' | 'error';
  /** What is told where nothing is found. */
  readonly good: string;
  readonly find: (card: AgentCard) => readonly Finding[];
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+*-]+(\s*;.*)?$|^\*\/\*$/;
const KNOWN_VERSIONS: ReadonlySet<string> = new Set(['1.0', '0.3', '0.3.0']);
const KNOWN_BINDINGS: ReadonlySet<string> = new Set(['JSONRPC', 'HTTP+JSON', 'GRPC']);
/** A card with more findings has one cause for most of them. */
const MAX_FINDINGS = 50;

const RULES: readonly Rule[] = [
  {
    id: 'schema',
    level: 'error',
    good: 'The card has every required field, each of its type.',
    find: (card) => {
      const { error } = agentCardSchema.safeParse(card);
      return error === undefined
        ? []
        : violationsOf(error.issues, card).map(({ field, description }) => ({ path: field, message: description }));
    },
  },
  {
    id: 'interfaces',
    level: 'error',
    good: 'Every interface has an absolute address, a known binding and a known version.',
    find: ({ supportedInterfaces }) => [
      ...(supportedInterfaces.length === 0 ? [{ path: 'supportedInterfaces', message: 'there is none' }] : []),
      ...supportedInterfaces.flatMap(({ url, protocolBinding, protocolVersion }, index) => {
        const path = `supportedInterfaces[${index}]`;
        const isGrpc = protocolBinding === 'GRPC';
        const isAddress = isGrpc ? url !== '' : /^https?:\/\//.test(url) && URL.canParse(url);
        return [
          ...(isAddress ? [] : [{ path: `${path}.url`, message: 'is no absolute http or https address' }]),
          ...(KNOWN_BINDINGS.has(protocolBinding) || protocolBinding.includes('://')
            ? []
            : [{ path: `${path}.protocolBinding`, message: 'is none of JSONRPC, HTTP+JSON and GRPC, and no URI' }]),
          ...(KNOWN_VERSIONS.has(protocolVersion)
            ? []
            : [
                { path: `${path}.protocolVersion`, message: `${protocolVersion} is no version that this server knows` },
              ]),
        ];
      }),
    ],
  },
  {
    id: 'transport-security',
    level: 'warning',
    good: 'Addresses are reached by TLS, or on this machine.',
    find: ({ supportedInterfaces }) =>
      supportedInterfaces.flatMap(({ url }, index) =>
        url.startsWith('http://') && URL.canParse(url) && !isLoopback(new URL(url).hostname)
          ? [{ path: `supportedInterfaces[${index}].url`, message: 'is reached without TLS' }]
          : [],
      ),
  },
  {
    id: 'security-declared',
    level: 'warning',
    good: 'The card says how callers authenticate.',
    find: ({ securitySchemes, securityRequirements }) =>
      Object.keys(securitySchemes ?? {}).length === 0 || (securityRequirements ?? []).length === 0
        ? [{ path: 'securitySchemes', message: 'nothing is said of how callers authenticate: anyone may call' }]
        : [],
  },
  {
    id: 'security-known',
    level: 'error',
    good: 'Every security requirement names a scheme of the card.',
    find: ({ securitySchemes = {}, securityRequirements = [] }) =>
      securityRequirements.flatMap(({ schemes }, index) =>
        Object.keys(schemes).flatMap((name) =>
          Object.hasOwn(securitySchemes, name)
            ? []
            : [{ path: `securityRequirements[${index}]`, message: `${name} is no scheme of the card` }],
        ),
      ),
  },
  {
    id: 'media-types',
    level: 'error',
    good: 'Input and output modes are media types.',
    find: ({ defaultInputModes, defaultOutputModes }) =>
      [
        ...defaultInputModes.map((mode, index) => ({ path: `defaultInputModes[${index}]`, mode })),
        ...defaultOutputModes.map((mode, index) => ({ path: `defaultOutputModes[${index}]`, mode })),
      ].flatMap(({ path, mode }) => (MEDIA_TYPE.test(mode) ? [] : [{ path, message: `${mode} is no media type` }])),
  },
  {
    id: 'skills-unique',
    level: 'error',
    good: 'No two skills have the same id.',
    find: ({ skills }) =>
      skills.flatMap(({ id }, index) =>
        skills.findIndex((other) => other.id === id) < index
          ? [{ path: `skills[${index}].id`, message: `another skill is called ${id}` }]
          : [],
      ),
  },
  {
    id: 'skills-described',
    level: 'warning',
    good: 'Each skill has a description, tags and examples, so that other agents can choose it.',
    find: ({ skills }) => [
      ...(skills.length === 0
        ? [{ path: 'skills', message: 'there is none: nobody can tell what the agent does' }]
        : []),
      ...skills.flatMap(({ description, tags, examples = [] }, index) => [
        ...(description.trim() === '' ? [{ path: `skills[${index}].description`, message: 'is empty' }] : []),
        ...(tags.length === 0 ? [{ path: `skills[${index}].tags`, message: 'there is none' }] : []),
        ...(examples.length === 0 ? [{ path: `skills[${index}].examples`, message: 'there is none' }] : []),
      ]),
    ],
  },
  {
    id: 'signed',
    level: 'warning',
    good: 'The card is signed.',
    find: ({ signatures = [] }) =>
      signatures.length === 0 ? [{ path: 'signatures', message: 'nobody can check who made the card' }] : [],
  },
];

/** In the order of the rules; each rule that finds nothing is told as `ok`. */
export function checkCard(card: AgentCard): readonly CardCheck[] {
  return RULES.flatMap(({ id, level, good, find }): CardCheck[] => {
    const findings = find(card).slice(0, MAX_FINDINGS);
    if (findings.length === 0) return [{ id, level: 'ok', path: '', message: good }];
    return findings.map((finding) => ({ id, level, ...finding }));
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
