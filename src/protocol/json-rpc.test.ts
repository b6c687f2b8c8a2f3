/** The JSON-RPC envelope: what is a request, and which id an answer carries. */
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../test/support/thrown-by.ts';
import type { AppError } from './errors.ts';
import { parseJsonRpc, readableIdJson, refuseNotification, rpcError, rpcResult } from './json-rpc.ts';

function refusal(text: string): AppError {
  return thrownBy(() => parseJsonRpc(text));
}

const request = (fields: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'GetTask', params: {}, ...fields });

describe('parseJsonRpc', () => {
  it('reads a request and makes the JSON text of its id', () => {
    const text = request({ id: 'a"b', params: { id: 't' } });
    expect(parseJsonRpc(text)).toEqual({
      id: 'a"b',
      idJson: '"a\\"b"',
      method: 'GetTask',
      params: { id: 't' },
      isNotification: false,
    });
  });

  it.each([
    ['', 'Invalid JSON payload'],
    ['{"jsonrpc":', 'Invalid JSON payload'],
    ['not json', 'Invalid JSON payload'],
    ['{"secret":"hunter2"', 'Invalid JSON payload'],
  ])('[A5] refuses %j as a parse error that does not quote the body', (text, message) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: 'PARSE_ERROR', message: expect.stringContaining(message) });
    expect(error.message).not.toContain('hunter2');
  });

  it.each([
    ['a batch', `[${request({})}]`, 'Batches are not supported'],
    ['an empty batch', '[]', 'Batches are not supported'],
    ['a string', '"x"', 'must be an object'],
    ['null', 'null', 'must be an object'],
    ['another jsonrpc', request({ jsonrpc: '1.0' }), 'jsonrpc must be "2.0"'],
    ['no jsonrpc', request({ jsonrpc: undefined }), 'jsonrpc must be "2.0"'],
    ['no method', request({ method: undefined }), 'method must be a string'],
    ['a numeric method', request({ method: 1 }), 'method must be a string'],
    ['a boolean id', request({ id: true }), 'id must be a string, a number or null'],
    ['an object id', request({ id: { a: 1 } }), 'id must be a string, a number or null'],
    ['an infinite id', request({}).replace('"id":1', '"id":1e400'), 'id must be a string, a number or null'],
    ['an id beyond 2^53', request({}).replace('"id":1', '"id":12345678901234567890'), 'id must be a string'],
    ['text params', request({ params: 'x' }), 'params must be an object'],
  ])('[A5] refuses %s as an invalid request', (_name, text, message) => {
    expect(refusal(text)).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining(message) });
  });

  it('takes a null id as an id and a missing one as a notification, which is refused before anything runs', () => {
    const withNull = parseJsonRpc(request({ id: null }));
    expect(withNull).toMatchObject({ id: null, idJson: 'null', isNotification: false });
    expect(() => refuseNotification(withNull)).not.toThrow();

    const notification = parseJsonRpc(request({ id: undefined }));
    expect(notification).toMatchObject({ id: null, isNotification: true });
    expect(thrownBy(() => refuseNotification(notification))).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('id is required'),
    });
  });

  it('refuses an id that is too long to be repeated in every event of a stream', () => {
    expect(parseJsonRpc(request({ id: 'x'.repeat(1024) })).id).toHaveLength(1024);
    expect(thrownBy(() => parseJsonRpc(request({ id: 'x'.repeat(1025) })))).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('at most 1024 characters'),
    });
  });

  it('takes the last of duplicate keys, as JSON.parse does', () => {
    expect(parseJsonRpc('{"jsonrpc":"2.0","id":1,"id":2,"method":"A","method":"B"}')).toMatchObject({
      id: 2,
      method: 'B',
    });
  });
});

describe('answers', () => {
  it.each([
    [request({ method: 1, id: 'x' }), '"x"'],
    [request({ jsonrpc: '1', id: 7 }), '7'],
    [request({ id: {} }), 'null'],
    [request({ id: 'x'.repeat(1025) }), 'null'],
    ['{', 'null'],
    ['[1]', 'null'],
  ])('carry the readable id of the refused request %s', (text, idJson) => {
    expect(readableIdJson(text)).toBe(idJson);
  });

  it('are JSON-RPC 2.0 objects', () => {
    expect(JSON.parse(rpcResult('"x"', '{"a":1}'))).toEqual({ jsonrpc: '2.0', id: 'x', result: { a: 1 } });
    expect(JSON.parse(rpcError('null', '{"code":-32700}'))).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32700 },
    });
  });
});
