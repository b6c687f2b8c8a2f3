/** What is not A2A in the OpenAPI description: keys, the admin token, health, metrics, and these pages themselves. */
import { z } from 'zod';
import type { ErrorCode } from '../../protocol/errors.ts';
import { isJsonObject } from '../../protocol/scalars.ts';
import * as contract from '../admin/contract.ts';
import * as deliveryContract from '../admin/delivery-contract.ts';
import {
  BODY_ERRORS,
  COMMON_ERRORS,
  errorResponses,
  type Json,
  jsonResponse,
  parameterRef,
  schemaRef,
} from './openapi-shared.ts';

/** As a component: without the dialect that belongs to a document of its own. */
export function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...body } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return body;
}

export function serverSchemas(): Record<string, Json> {
  return {
    TokenRequest: toSchema(contract.tokenRequestSchema, 'input'),
    TokenResponse: toSchema(contract.tokenResponseSchema, 'output'),
    CreateKeyRequest: toSchema(contract.createKeyRequestSchema, 'input'),
    UpdateKeyRequest: { ...toSchema(contract.updateKeyRequestSchema, 'input'), minProperties: 1 },
    RotateKeyRequest: toSchema(contract.rotateKeyRequestSchema, 'input'),
    Key: toSchema(contract.keySchema, 'output'),
    IssuedKey: toSchema(contract.issuedKeySchema, 'output'),
    KeyList: toSchema(contract.keyListSchema, 'output'),
    RedeliverRequest: toSchema(deliveryContract.redeliverRequestSchema, 'input'),
    PushDelivery: toSchema(deliveryContract.deliverySchema, 'output'),
    PushDeliveryList: toSchema(deliveryContract.deliveryListSchema, 'output'),
    Redelivered: toSchema(deliveryContract.redeliveredSchema, 'output'),
    Health: { type: 'object', required: ['ok'], properties: { ok: { const: true } } },
    NotReady: {
      type: 'object',
      required: ['ok', 'down'],
      properties: { ok: { const: false }, down: { type: 'array', items: { enum: ['server', 'database'] } } },
    },
    ServerInfo: {
      type: 'object',
      required: ['name', 'version', 'docs', 'openapi', 'card', 'health'],
      properties: Object.fromEntries(
        ['name', 'version', 'docs', 'openapi', 'card', 'health'].map((name) => [name, { type: 'string' }]),
      ),
    },
  };
}

export const jsonBody = (schema: string, example: Json, required: boolean): Json => ({
  required,
  content: { 'application/json': { schema: schemaRef(schema), example } },
});

export interface Endpoint {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly answers: Readonly<Record<number, Json>>;
  readonly errors?: readonly ErrorCode[];
  readonly body?: Json;
  readonly parameters?: readonly Json[];
  /** Default: `Keys`. */
  readonly tag?: string;
}

export function adminOperation(endpoint: Endpoint): Json {
  const { tag = 'Keys', operationId, summary, description, answers, errors = [], body, parameters = [] } = endpoint;
  return {
    operationId,
    tags: [tag],
    summary,
    description: description ?? 'Needs the admin key, an admin token or a key with the scope `admin`.',
    parameters: [...parameters, parameterRef('x-request-id')],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      ...answers,
      ...errorResponses([...COMMON_ERRORS, ...(body === undefined ? [] : BODY_ERRORS), ...errors], 'RestError'),
    },
  };
}

export function keyPaths(): Record<string, Json> {
  const byId = [parameterRef('keyId')];
  return {
    '/api/v1/keys': {
      get: adminOperation({
        operationId: 'listKeys',
        summary: 'List API keys',
        parameters: queryParameters(contract.listKeysQuerySchema),
        answers: { 200: jsonResponse('A page of keys, newest first.', schemaRef('KeyList')) },
        errors: ['INVALID_PARAMS'],
      }),
      post: adminOperation({
        operationId: 'createKey',
        summary: 'Make an API key',
        description: 'The answer holds the key itself, this once.',
        body: jsonBody('CreateKeyRequest', { name: 'my client', scopes: ['tasks:read', 'tasks:write'] }, true),
        answers: { 201: jsonResponse('The key.', schemaRef('IssuedKey')) },
      }),
    },
    '/api/v1/keys/{id}': {
      get: adminOperation({
        operationId: 'getKey',
        summary: 'Get what is known of an API key',
        parameters: byId,
        answers: { 200: jsonResponse('The key, without the key itself.', schemaRef('Key')) },
      }),
      patch: adminOperation({
        operationId: 'updateKey',
        summary: 'Change an API key',
        description: 'What is left out stays.',
        parameters: byId,
        body: jsonBody('UpdateKeyRequest', { disabled: true }, true),
        answers: { 200: jsonResponse('The key as it is now.', schemaRef('Key')) },
      }),
      delete: adminOperation({
        operationId: 'revokeKey',
        summary: 'Revoke an API key',
        description: 'It stops working at once. What belongs to its owner stays.',
        parameters: byId,
        answers: { 204: { description: 'Revoked.' } },
      }),
    },
    '/api/v1/keys/{id}/rotate': {
      post: adminOperation({
        operationId: 'rotateKey',
        summary: 'Replace an API key by a new one',
        description: 'Same owner, same rights. The answer holds the new key, this once.',
        parameters: byId,
        body: jsonBody('RotateKeyRequest', { graceSeconds: 3600 }, false),
        answers: { 200: jsonResponse('The new key.', schemaRef('IssuedKey')) },
        errors: ['CONFLICT'],
      }),
    },
    '/v1/admin/token': {
      post: {
        ...adminOperation({
          operationId: 'issueAdminToken',
          summary: 'Exchange the admin key for a token',
          description:
            'The admin key comes in the body, or as `Authorization: Bearer`. The token opens what the key opens, for 15 minutes by default.',
          body: jsonBody('TokenRequest', {}, false),
          answers: { 200: jsonResponse('The token.', schemaRef('TokenResponse')) },
        }),
        security: [{}, { bearer: [] }, { apiKey: [] }],
      },
    },
  };
}

const OWN_OR_ALL = 'Keys see what belongs to their owner, within the agents that they may use; the admin sees all.';

export function deliveryPaths(): Record<string, Json> {
  const tag = 'Push';
  const byId = [parameterRef('deliveryId')];
  const description = OWN_OR_ALL;
  const delivery = jsonResponse('The delivery.', schemaRef('PushDelivery'));
  return {
    '/api/v1/push/deliveries': {
      get: adminOperation({
        operationId: 'listPushDeliveries',
        tag,
        summary: 'List push deliveries that wait, and dead letters',
        description: `Newest receivers first, their deliveries in the order of events. ${OWN_OR_ALL}`,
        parameters: queryParameters(deliveryContract.listDeliveriesQuerySchema),
        answers: { 200: jsonResponse('A page of deliveries.', schemaRef('PushDeliveryList')) },
        errors: ['INVALID_PARAMS'],
      }),
    },
    '/api/v1/push/deliveries/redeliver': {
      post: adminOperation({
        operationId: 'redeliverPushDeliveries',
        tag,
        summary: 'Send all dead letters of a filter again',
        description: `Those of at most 1000 receivers in one call. ${OWN_OR_ALL}`,
        body: jsonBody('RedeliverRequest', {}, false),
        answers: { 200: jsonResponse('How many wait again.', schemaRef('Redelivered')) },
      }),
    },
    '/api/v1/push/deliveries/{id}': {
      get: adminOperation({
        operationId: 'getPushDelivery',
        tag,
        summary: 'Get a delivery with its failed attempts',
        description,
        parameters: byId,
        answers: { 200: delivery },
      }),
      delete: adminOperation({
        operationId: 'deletePushDelivery',
        tag,
        summary: 'Forget a dead letter',
        description,
        parameters: byId,
        answers: { 204: { description: 'Forgotten.' } },
        errors: ['CONFLICT'],
      }),
    },
    '/api/v1/push/deliveries/{id}/redeliver': {
      post: adminOperation({
        operationId: 'redeliverPushDelivery',
        tag,
        summary: 'Send a dead letter again',
        description: `With a new budget of attempts. ${OWN_OR_ALL}`,
        parameters: byId,
        answers: { 200: delivery },
        errors: ['CONFLICT'],
      }),
    },
  };
}

export function queryParameters(schema: z.ZodType): Json[] {
  const { properties } = toSchema(schema, 'input');
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).map(([name, property]) => ({ name, in: 'query', schema: property }));
}

export interface OpenPathsOptions {
  readonly isMetricsOnMain: boolean;
  readonly metricsUrl: string;
}

/** What needs no credential. */
export function openPaths({ isMetricsOnMain, metricsUrl }: OpenPathsOptions): Record<string, Json> {
  const get = (operationId: string, tag: string, summary: string, responses: Json, parameters: Json[] = []): Json => ({
    get: { operationId, tags: [tag], summary, security: [], parameters, responses },
  });
  const text = (mediaType: string): Json => ({ [mediaType]: { schema: { type: 'string' } } });
  const health = {
    200: { description: 'It answers.', content: { 'application/json': { schema: schemaRef('Health') } } },
  };
  const page = { 200: { description: 'A page.', content: text('text/html') } };
  const asset = { name: 'file', in: 'path', required: true, schema: { type: 'string' } };
  const metrics = get('getMetrics', 'Operations', 'Metrics for Prometheus', {
    200: { description: 'In the text format of Prometheus.', content: text('text/plain') },
  });
  return {
    '/healthz': get('getHealth', 'Operations', 'Whether the process answers', health),
    '/health': get('getHealthAlias', 'Operations', 'The same as /healthz', health),
    '/readyz': get('getReadiness', 'Operations', 'Whether it can do its work', {
      ...health,
      503: {
        description: '`down` names what is missing.',
        content: { 'application/json': { schema: schemaRef('NotReady') } },
      },
    }),
    '/metrics': isMetricsOnMain ? metrics : { ...metrics, servers: [{ url: metricsUrl }] },
    '/': get('getServer', 'Pages', 'What this server is', {
      200: {
        description: 'A page for browsers; JSON for others.',
        content: { 'application/json': { schema: schemaRef('ServerInfo') }, ...text('text/html') },
      },
    }),
    '/docs': get('getDocs', 'Pages', 'This description as a page', page),
    '/docs/openapi.json': get('getOpenApi', 'Pages', 'This description', {
      200: {
        description: 'OpenAPI 3.1.',
        headers: { ETag: { $ref: '#/components/headers/ETag' } },
        content: { 'application/json': { schema: { type: 'object' } } },
      },
      304: { description: 'Not changed.' },
    }),
    '/docs/assets/{file}': get(
      'getDocsAsset',
      'Pages',
      'What the pages are made of',
      {
        200: { description: 'A script, a style sheet or an image.', content: text('*/*') },
        ...errorResponses(['NOT_FOUND'], 'RestError'),
      },
      [asset],
    ),
    '/ui/metrics': get('getTaskConsole', 'Pages', 'The console, or where it will be', page),
    '/ui/live-metrics': get('getLiveMetrics', 'Pages', 'Where the live metrics will be', page),
    '/favicon.ico': get('getIcon', 'Pages', 'The icon', {
      200: { description: 'An image.', content: text('image/svg+xml') },
    }),
  };
}
