/** The card in 0.3 form, and the one that both read. */
import { describe, expect, it } from 'vitest';
import { decodeWith } from '../decode.ts';
import { agentCardSchema } from '../v1/card-schemas.ts';
import type { AgentCard } from '../v1/types.ts';
import { cardToV1, cardToV03, combinedCard } from './translate-card.ts';

const card: AgentCard = {
  name: 'Echo',
  description: 'Says it again',
  supportedInterfaces: [
    { url: 'https://p.example/a2a', protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
    { url: 'https://p.example/a2a', protocolBinding: 'HTTP+JSON', protocolVersion: '1.0' },
    { url: 'https://p.example/a2a', protocolBinding: 'JSONRPC', protocolVersion: '0.3' },
    { url: 'https://p.example/rest', protocolBinding: 'HTTP+JSON', protocolVersion: '0.3' },
  ],
  provider: { url: 'https://p.example', organization: 'P' },
  version: '1.2.3',
  documentationUrl: 'https://p.example/docs',
  capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: true },
  securitySchemes: {
    key: { apiKeySecurityScheme: { location: 'header', name: 'X-Key', description: 'A key' } },
    bearer: { httpAuthSecurityScheme: { scheme: 'Bearer', bearerFormat: 'JWT' } },
    oidc: { openIdConnectSecurityScheme: { openIdConnectUrl: 'https://i.example' } },
    tls: { mtlsSecurityScheme: {} },
    oauth: {
      oauth2SecurityScheme: {
        flows: {
          authorizationCode: {
            authorizationUrl: 'https://i.example/a',
            tokenUrl: 'https://i.example/t',
            scopes: {},
            pkceRequired: true,
          },
        },
      },
    },
  },
  securityRequirements: [{ schemes: { bearer: { list: ['read'] } } }, { schemes: { key: {} } }],
  defaultInputModes: ['text/plain'],
  defaultOutputModes: ['text/plain'],
  skills: [
    { id: 's', name: 'S', description: 'd', tags: ['t'], securityRequirements: [{ schemes: { key: { list: [] } } }] },
  ],
  signatures: [{ protected: 'p', signature: 's' }],
  iconUrl: 'https://p.example/i.png',
};

describe('cardToV03', () => {
  const old = cardToV03(card);

  it('names the 0.3 interfaces, the first as the preferred one', () => {
    expect(old).toMatchObject({
      protocolVersion: '0.3.0',
      url: 'https://p.example/a2a',
      preferredTransport: 'JSONRPC',
      additionalInterfaces: [
        { url: 'https://p.example/a2a', transport: 'JSONRPC' },
        { url: 'https://p.example/rest', transport: 'HTTP+JSON' },
      ],
    });
  });

  it('has the security of 0.3', () => {
    expect(old.security).toEqual([{ bearer: ['read'] }, { key: [] }]);
    expect(old.skills[0]?.security).toEqual([{ key: [] }]);
    expect(old.securitySchemes).toEqual({
      key: { type: 'apiKey', in: 'header', name: 'X-Key', description: 'A key' },
      bearer: { type: 'http', scheme: 'Bearer', bearerFormat: 'JWT' },
      oidc: { type: 'openIdConnect', openIdConnectUrl: 'https://i.example' },
      tls: { type: 'mutualTLS' },
      oauth: {
        type: 'oauth2',
        flows: {
          authorizationCode: { authorizationUrl: 'https://i.example/a', tokenUrl: 'https://i.example/t', scopes: {} },
        },
      },
    });
    expect(old.supportsAuthenticatedExtendedCard).toBe(true);
  });

  it('has no field of 1.0 and no signature that could not be checked', () => {
    const text = JSON.stringify(old);
    for (const field of ['supportedInterfaces', 'securityRequirements', 'extendedAgentCard', 'signatures', 'list']) {
      expect(text).not.toContain(`"${field}"`);
    }
  });

  it('takes all interfaces where none is declared for 0.3', () => {
    const modern = { ...card, supportedInterfaces: card.supportedInterfaces.slice(0, 2) };
    expect(cardToV03(modern).additionalInterfaces).toHaveLength(2);
  });

  it('comes back as a 1.0 card without what is declared lossy', () => {
    const { signatures: _lossy, ...rest } = card;
    const back = cardToV1(old);
    expect(back).toMatchObject({
      ...rest,
      supportedInterfaces: expect.any(Array),
      securitySchemes: expect.any(Object),
      securityRequirements: expect.any(Array),
    });
    expect(back.supportedInterfaces).toEqual(card.supportedInterfaces.slice(2));
    expect(back.securityRequirements).toEqual([
      { schemes: { bearer: { list: ['read'] } } },
      { schemes: { key: { list: [] } } },
    ]);
    expect(back.securitySchemes).toMatchObject({
      key: card.securitySchemes?.key,
      bearer: card.securitySchemes?.bearer,
    });
  });
});

describe('combinedCard', () => {
  const both = combinedCard(card);

  it('[A1] is the 1.0 card to a 1.0 client, which ignores unknown fields', () => {
    expect(decodeWith(agentCardSchema, JSON.parse(JSON.stringify(both)))).toEqual(card);
  });

  it('[A1] has every field of the 0.3 card for a 0.3 client', () => {
    const { capabilities, ...old } = cardToV03(card);
    expect(both).toMatchObject(old);
    expect(both).toMatchObject({ capabilities });
  });
});
