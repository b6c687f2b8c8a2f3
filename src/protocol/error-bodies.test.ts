/** Error bodies of both versions, for every code. */
import { describe, expect, it } from 'vitest';
import { AppError, ERROR_TABLE, type ErrorCode } from './errors.ts';
import { codecV03, codecV03Rest } from './v0_3/codec.ts';
import { codecV1 } from './v1/codec.ts';

const CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

describe.each(CODES)('%s', (code) => {
  const row = ERROR_TABLE[code];
  const error = new AppError(code, 'what happened', {
    detail: 'SECRET detail',
    cause: new Error('SECRET cause'),
    metadata: { taskId: 't1' },
  });
  const domain = row.domain === 'a2a' ? 'a2a-protocol.org' : 'parley';
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: code,
    domain,
    metadata: { taskId: 't1' },
  };

  it('is a JSON-RPC error of 1.0 with ErrorInfo in an array', () => {
    expect(JSON.parse(codecV1.encodeJsonRpcError(error))).toEqual({
      code: row.jsonRpc,
      message: 'what happened',
      data: [info],
    });
  });

  it('is a google.rpc.Status in REST of 1.0', () => {
    expect(JSON.parse(codecV1.encodeRestError(error))).toEqual({
      error: { code: row.http, status: row.grpc, message: 'what happened', details: [info] },
    });
  });

  it('has a code that 0.3 knows, and its reason in one data object', () => {
    const body = JSON.parse(codecV03.encodeJsonRpcError(error)) as { code: number; data: object };
    expect(body.data).toEqual(info);
    expect(body.code === -32000 || (body.code >= -32007 && body.code <= -32001) || body.code <= -32600).toBe(true);
  });

  it('is readable by 0.3 REST clients: a numeric code, a message and a name at the top', () => {
    const body: unknown = JSON.parse(codecV03Rest.encodeRestError(error));
    expect(body).toMatchObject({
      code: expect.any(Number),
      message: 'what happened',
      error: expect.stringMatching(/Error$/),
    });
  });

  it('[ERR-3] never shows detail or cause', () => {
    for (const codec of [codecV1, codecV03, codecV03Rest]) {
      expect(codec.encodeJsonRpcError(error) + codec.encodeRestError(error)).not.toContain('SECRET');
    }
  });
});

describe('details', () => {
  const error = new AppError('INVALID_PARAMS', 'Invalid parameters', {
    violations: [{ field: 'message.parts', description: 'must not be empty' }],
  });

  it('hold the violations as BadRequest in 1.0', () => {
    expect(JSON.parse(codecV1.encodeRestError(error))).toMatchObject({
      error: {
        details: [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'INVALID_PARAMS', domain: 'parley' },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'message.parts', description: 'must not be empty' }],
          },
        ],
      },
    });
  });

  it('hold the violations in the data object in 0.3', () => {
    expect(JSON.parse(codecV03.encodeJsonRpcError(error))).toMatchObject({
      code: -32602,
      data: {
        reason: 'INVALID_PARAMS',
        fieldViolations: [{ field: 'message.parts', description: 'must not be empty' }],
      },
    });
  });

  it('say when to retry', () => {
    const limited = new AppError('RATE_LIMITED', 'Slow down', { retryAfterSeconds: 7 });
    expect(codecV1.encodeRestError(limited)).toContain('"retryDelay":"7s"');
    expect(codecV03.encodeJsonRpcError(limited)).toContain('"retryAfterSeconds":7');
  });

  it.each([
    ['TASK_NOT_FOUND', -32001, 'TaskNotFoundError'],
    ['TASK_NOT_CANCELABLE', -32002, 'TaskNotCancelableError'],
    ['EXTENDED_AGENT_CARD_NOT_CONFIGURED', -32007, 'AuthenticatedExtendedCardNotConfiguredError'],
    ['EXTENSION_SUPPORT_REQUIRED', -32004, 'UnsupportedOperationError'],
    ['VERSION_NOT_SUPPORTED', -32004, 'UnsupportedOperationError'],
    ['PARSE_ERROR', -32700, 'JSONParseError'],
    ['INTERNAL', -32603, 'InternalError'],
  ] as const)('%s is %i and %s to 0.3', (code, jsonRpc, name) => {
    expect(JSON.parse(codecV03Rest.encodeRestError(new AppError(code, 'm')))).toMatchObject({
      code: jsonRpc,
      error: name,
    });
  });
});
