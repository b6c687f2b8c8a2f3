/** The checks of a card find what is wrong with it, where, and nothing in a good one. */
import { expect, test } from 'vitest';
import type { AgentCard } from '../../protocol/v1/types.ts';
import { checkCard } from './card-checks.ts';

const good: AgentCard = {
  name: 'Good',
  description: 'A good card',
  version: '1.0.0',
  supportedInterfaces: [{ url: 'https://a.example/a2a', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  capabilities: {},
  securitySchemes: { bearer: { httpAuthSecurityScheme: { scheme: 'Bearer' } } },
  securityRequirements: [{ schemes: { bearer: {} } }],
  defaultInputModes: ['text/plain', '*/*', 'text/*'],
  defaultOutputModes: ['application/json; charset=utf-8'],
  skills: [{ id: 's', name: 'S', description: 'does s', tags: ['s'], examples: ['do s'] }],
  signatures: [{ protected: 'e30', signature: 'AA' }],
};

const findings = (card: AgentCard) =>
  checkCard(card).flatMap(({ id, level, path }) => (level === 'ok' ? [] : [`${level} ${id} ${path}`]));

test('[U3] a good card passes every check, and each says so', () => {
  expect(findings(good)).toEqual([]);
  expect(checkCard(good).map(({ id }) => id)).toEqual([...new Set(checkCard(good).map(({ id }) => id))]);
});

test.each<[string, Partial<AgentCard>, string]>([
  ['a name that is missing', { name: undefined as never }, 'error schema name'],
  ['no interface', { supportedInterfaces: [] }, 'error interfaces supportedInterfaces'],
  [
    'a relative address',
    { supportedInterfaces: [{ url: '/a2a', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }] },
    'error interfaces supportedInterfaces[0].url',
  ],
  [
    'an unknown binding',
    { supportedInterfaces: [{ url: 'https://a.example', protocolBinding: 'SOAP', protocolVersion: '1.0' }] },
    'error interfaces supportedInterfaces[0].protocolBinding',
  ],
  [
    'an unknown version',
    { supportedInterfaces: [{ url: 'https://a.example', protocolBinding: 'JSONRPC', protocolVersion: '9' }] },
    'error interfaces supportedInterfaces[0].protocolVersion',
  ],
  [
    'plain http',
    { supportedInterfaces: [{ url: 'http://a.example', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }] },
    'warning transport-security supportedInterfaces[0].url',
  ],
  ['no security', { securityRequirements: [] }, 'warning security-declared securitySchemes'],
  [
    'an unknown scheme',
    { securityRequirements: [{ schemes: { constructor: {} } }] },
    'error security-known securityRequirements[0]',
  ],
  ['a mode that is none', { defaultInputModes: ['text'] }, 'error media-types defaultInputModes[0]'],
  ['no skill', { skills: [] }, 'warning skills-described skills'],
  ['two skills of one name', { skills: [...good.skills, ...good.skills] }, 'error skills-unique skills[1].id'],
  ['no signature', { signatures: [] }, 'warning signed signatures'],
])('[U3] %s is found', (_what, change, finding) => {
  expect(findings({ ...good, ...change })).toContain(finding);
});

test('plain http on this machine is fine', () => {
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:1']) {
    const supportedInterfaces = [{ url: `http://${host}/a2a`, protocolBinding: 'JSONRPC', protocolVersion: '0.3' }];
    expect(findings({ ...good, supportedInterfaces })).toEqual([]);
  }
});
