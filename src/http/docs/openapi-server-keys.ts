/** The keys of the server itself in the OpenAPI description: signing keys, encryption keys, and the published JWKS. */
import * as encryption from '../admin/encryption-contract.ts';
import * as signing from '../admin/signing-key-contract.ts';
import { adminOperation, jsonBody, toSchema } from './openapi-server.ts';
import { type Json, jsonResponse, schemaRef } from './openapi-shared.ts';

const TAG = 'Server keys';

export function serverKeySchemas(): Record<string, Json> {
  return {
    SigningKey: toSchema(signing.signingKeySchema, 'output'),
    SigningKeyList: toSchema(signing.signingKeyListSchema, 'output'),
    RotateSigningKeyRequest: toSchema(signing.rotateSigningKeyRequestSchema, 'input'),
    SignCardRequest: toSchema(signing.signCardRequestSchema, 'input'),
    SignedCard: toSchema(signing.signedCardSchema, 'output'),
    EncryptionStatus: toSchema(encryption.encryptionStatusSchema, 'output'),
    RekeyRequest: toSchema(encryption.rekeyRequestSchema, 'input'),
    RekeyBatch: toSchema(encryption.rekeyBatchSchema, 'output'),
    JsonWebKeySet: {
      type: 'object',
      description: 'RFC 7517.',
      required: ['keys'],
      properties: { keys: { type: 'array', items: { type: 'object', required: ['kty', 'kid'] } } },
    },
  };
}

export function serverKeyPaths(): Record<string, Json> {
  const kid = {
    name: 'kid',
    in: 'path',
    required: true,
    description: 'Id of a signing key.',
    schema: { type: 'string' },
  };
  return {
    '/api/v1/signing-keys': {
      get: adminOperation({
        tag: TAG,
        operationId: 'listSigningKeys',
        summary: 'List the keys that this server signs with',
        answers: { 200: jsonResponse('All keys, newest first.', schemaRef('SigningKeyList')) },
      }),
    },
    '/api/v1/signing-keys/rotate': {
      post: adminOperation({
        tag: TAG,
        operationId: 'rotateSigningKey',
        summary: 'Make a new signing key',
        description: 'It is published at once and signs after a while; the keys before it stay published.',
        body: jsonBody('RotateSigningKeyRequest', { activateInSeconds: 600 }, false),
        answers: { 201: jsonResponse('The new key.', schemaRef('SigningKey')) },
        errors: ['CONFLICT'],
      }),
    },
    '/api/v1/signing-keys/sign-card': {
      post: adminOperation({
        tag: TAG,
        operationId: 'signCard',
        summary: 'Sign a card with the key of this server',
        body: jsonBody('SignCardRequest', { card: { name: 'My agent' } }, true),
        answers: { 200: jsonResponse('The signatures for the card.', schemaRef('SignedCard')) },
      }),
    },
    '/api/v1/signing-keys/{kid}/retire': {
      post: adminOperation({
        tag: TAG,
        operationId: 'retireSigningKey',
        summary: 'Stop publishing a signing key',
        description: 'What it signed is not valid any more. The key that signs cannot be retired.',
        parameters: [kid],
        answers: { 200: jsonResponse('The retired key.', schemaRef('SigningKey')) },
        errors: ['NOT_FOUND', 'CONFLICT'],
      }),
    },
    '/api/v1/encryption': {
      get: adminOperation({
        tag: TAG,
        operationId: 'getEncryption',
        summary: 'How many stored secrets each encryption key has sealed',
        answers: { 200: jsonResponse('The keys.', schemaRef('EncryptionStatus')) },
      }),
    },
    '/api/v1/encryption/rekey': {
      post: adminOperation({
        tag: TAG,
        operationId: 'rekey',
        summary: 'Seal the next batch of secrets with the current encryption key',
        description: 'To be repeated with `nextPosition` until that is empty; `parley rekey` does so.',
        body: jsonBody('RekeyRequest', {}, false),
        answers: { 200: jsonResponse('What was done.', schemaRef('RekeyBatch')) },
      }),
    },
    '/.well-known/jwks.json': {
      get: {
        operationId: 'getJwks',
        tags: ['Cards'],
        summary: 'The public keys of signed cards and push notifications',
        security: [],
        parameters: [],
        responses: {
          200: {
            description: 'A JSON Web Key Set.',
            headers: { ETag: { $ref: '#/components/headers/ETag' } },
            content: { 'application/jwk-set+json': { schema: schemaRef('JsonWebKeySet') } },
          },
          304: { description: 'Not changed.' },
        },
      },
    },
  };
}
