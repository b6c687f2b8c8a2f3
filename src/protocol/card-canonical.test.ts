/** The bytes that signatures cover: the specification's own example, and each rule of presence. */
import { canonicalizeAgentCard } from '@a2a-js/sdk';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalCard, canonicalPayloads } from './card-canonical.ts';
import type { JsonObject } from './json.ts';

const CARD: JsonObject = {
  name: 'Example Agent',
  description: '',
  version: '1',
  supportedInterfaces: [{ url: 'https://a.example', protocolBinding: 'JSONRPC', protocolVersion: '1.0', tenant: '' }],
  capabilities: { streaming: false, pushNotifications: false, extensions: [] },
  securitySchemes: { key: { apiKeySecurityScheme: { location: 'header', name: 'x-api-key', description: '' } } },
  securityRequirements: [{ schemes: { key: { list: [] } } }],
  defaultInputModes: [],
  defaultOutputModes: ['text/plain'],
  skills: [],
  documentationUrl: '',
};

describe('canonical cards', () => {
  test('[A17] [SIGN-1] the example of the specification (section 8.4.1)', () => {
    const { name, description, capabilities, skills } = CARD;
    const fragment = { name, description, capabilities, skills } as JsonObject;
    expect(canonicalCard(fragment, 'specified')).toBe(
      '{"capabilities":{"pushNotifications":false,"streaming":false},"description":"","name":"Example Agent","skills":[]}',
    );
  });

  test('[A17] required and explicitly set fields stay, other defaults, unknown fields and signatures go', () => {
    const card = {
      ...CARD,
      signatures: [{ protected: 'a', signature: 'b' }],
      url: 'https://old.example',
      iconUrl: null,
    };
    expect(JSON.parse(canonicalCard(card, 'specified'))).toEqual({
      name: 'Example Agent',
      description: '',
      version: '1',
      supportedInterfaces: [{ url: 'https://a.example', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
      capabilities: { streaming: false, pushNotifications: false },
      securitySchemes: { key: { apiKeySecurityScheme: { location: 'header', name: 'x-api-key' } } },
      securityRequirements: [{ schemes: { key: {} } }],
      defaultInputModes: [],
      defaultOutputModes: ['text/plain'],
      skills: [],
      documentationUrl: '',
    });
  });

  test('[A17] every field that the definition requires stays where it is empty, every other one goes', () => {
    const requirement = { schemes: { key: { list: [] } } };
    const card: JsonObject = {
      provider: { url: '', organization: '' },
      supportedInterfaces: [{ url: '', protocolBinding: '', protocolVersion: '', tenant: '' }],
      capabilities: { extensions: [{ uri: '', description: '', required: false, params: { a: '' } }, {}] },
      skills: [
        {
          id: '',
          name: '',
          description: '',
          tags: [],
          examples: [],
          inputModes: [],
          outputModes: [],
          securityRequirements: [],
        },
        { securityRequirements: [requirement] },
      ],
      securitySchemes: {
        a: { httpAuthSecurityScheme: { scheme: '', description: '', bearerFormat: '' } },
        b: { openIdConnectSecurityScheme: { openIdConnectUrl: '', description: '' } },
        c: { mtlsSecurityScheme: { description: '' } },
        d: {
          oauth2SecurityScheme: {
            oauth2MetadataUrl: '',
            flows: {
              authorizationCode: {
                authorizationUrl: '',
                tokenUrl: '',
                refreshUrl: '',
                scopes: {},
                pkceRequired: false,
              },
            },
          },
        },
        e: {
          oauth2SecurityScheme: { flows: { deviceCode: { deviceAuthorizationUrl: '', tokenUrl: '', scopes: {} } } },
        },
        f: { oauth2SecurityScheme: { flows: { implicit: { authorizationUrl: '', scopes: {} } } } },
      },
      securityRequirements: [],
    };
    expect(JSON.parse(canonicalCard(card, 'specified'))).toEqual({
      provider: { url: '', organization: '' },
      supportedInterfaces: [{ url: '', protocolBinding: '', protocolVersion: '' }],
      capabilities: { extensions: [{ params: { a: '' } }, {}] },
      skills: [{ id: '', name: '', description: '', tags: [] }, { securityRequirements: [{ schemes: { key: {} } }] }],
      securitySchemes: {
        a: { httpAuthSecurityScheme: { scheme: '' } },
        b: { openIdConnectSecurityScheme: { openIdConnectUrl: '' } },
        c: { mtlsSecurityScheme: {} },
        d: {
          oauth2SecurityScheme: { flows: { authorizationCode: { authorizationUrl: '', tokenUrl: '', scopes: {} } } },
        },
        e: {
          oauth2SecurityScheme: { flows: { deviceCode: { deviceAuthorizationUrl: '', tokenUrl: '', scopes: {} } } },
        },
        f: { oauth2SecurityScheme: { flows: { implicit: {} } } },
      },
    });
  });

  test('[A17] the compact form is that of the official SDK', () => {
    expect(canonicalCard(CARD, 'compact')).toBe(canonicalizeAgentCard(CARD as never));
    const full: JsonObject = {
      ...CARD,
      provider: { url: '', organization: 'Ünïcode 名前' },
      capabilities: { extensions: [{ uri: 'urn:x', required: true, params: { b: [1, 1e21, {}], a: { c: '' } } }] },
      securitySchemes: {
        oauth: {
          oauth2SecurityScheme: {
            flows: { clientCredentials: { tokenUrl: 'https://t.example', scopes: { read: 'Read' }, refreshUrl: '' } },
          },
        },
        mtls: { mtlsSecurityScheme: {} },
      },
      skills: [{ id: 'a', name: 'A', description: 'd', tags: [], examples: ['x', ''], type: 'unknown' }],
      unknown: true,
    };
    expect(canonicalCard(full, 'compact')).toBe(canonicalizeAgentCard(full as never));
  });

  test('[A17] the received form has everything but the signatures', () => {
    const card = { b: 1, a: { z: null, y: '' }, signatures: [] };
    expect(canonicalCard(card, 'received')).toBe('{"a":{"y":"","z":null},"b":1}');
  });

  test('[A17] the order of fields, and how the JSON was written, make no difference', () => {
    const reversed = Object.fromEntries(Object.entries(CARD).toReversed());
    expect(canonicalPayloads(JSON.parse(JSON.stringify(reversed, null, 2)) as JsonObject)).toEqual(
      canonicalPayloads(CARD),
    );
  });

  test('[A17] forms that come to the same bytes are one payload', () => {
    expect(canonicalPayloads({ name: 'a' })).toHaveLength(1);
    expect(canonicalPayloads(CARD)).toHaveLength(3);
  });

  test('no JSON makes it break, and what cannot be canonicalized is said so', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(CARD), '__proto__'), fc.jsonValue()), (card) => {
        expect(canonicalPayloads(card as JsonObject).length).toBeGreaterThan(0);
      }),
    );
    for (const bad of [{ name: '\ud800' }, JSON.parse(`${'{"name":'.repeat(20_000)}1${'}'.repeat(20_000)}`)]) {
      expect(() => canonicalPayloads(bad as JsonObject)).toThrow('The card cannot be canonicalized by RFC 8785');
    }
  });
});
