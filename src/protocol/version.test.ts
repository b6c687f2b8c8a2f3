/** Version negotiation and the methods of each version. */
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../test/support/thrown-by.ts';
import { OPERATIONS } from './codec.ts';
import { codecFor, methodNotFound, negotiateVersion } from './version.ts';

describe('negotiateVersion', () => {
  it.each([
    ['1.0', undefined, '1.0'],
    ['1.0.0', undefined, '1.0'],
    ['1.0.17', undefined, '1.0'],
    [' 1.0 ', undefined, '1.0'],
    ['0.3', undefined, '0.3'],
    ['0.3.0', undefined, '0.3'],
    ['0.3.9', undefined, '0.3'],
    [undefined, undefined, '0.3'],
    ['', undefined, '0.3'],
    ['', '', '0.3'],
    [undefined, '1.0', '1.0'],
    ['0.3', '1.0', '0.3'],
    ['1.0', '9.9', '1.0'],
  ] as const)('[A4] header %j and query %j mean %s', (header, query, version) => {
    expect(negotiateVersion(header, query)).toBe(version);
  });

  it.each(['1', '2.0', '1.1', 'v1.0', '0.2', '0.30', '1.0.', '1.0.x', '1.0, 1.0', '10', '01.0', 'null', '1.0.1234567'])(
    '[A4] refuses %j and names the supported versions',
    (header) => {
      const error = thrownBy(() => negotiateVersion(header, undefined));
      expect(error).toMatchObject({
        code: 'VERSION_NOT_SUPPORTED',
        message: `A2A version ${JSON.stringify(header)} is not supported; supported versions: 1.0, 0.3`,
        metadata: { supportedVersions: '1.0, 0.3' },
      });
    },
  );

  it('[A4] refuses a bad query too, and does not echo a long value whole', () => {
    const error = thrownBy(() => negotiateVersion(undefined, '9'.repeat(5000)));
    expect(error.code).toBe('VERSION_NOT_SUPPORTED');
    expect(error.message.length).toBeLessThan(200);
  });
});

describe('methods', () => {
  it.each(['1.0', '0.3'] as const)('of %s reach each operation exactly once', (version) => {
    expect([...codecFor(version).methods.values()].sort()).toEqual([...OPERATIONS].sort());
  });

  it.each(['1.0', '0.3'] as const)('of %s have a REST route for each operation', (version) => {
    const routed = new Set(codecFor(version).restRoutes.map((route) => route.operation));
    expect([...routed].sort()).toEqual([...OPERATIONS].sort());
  });

  it.each(['1.0', '0.3'] as const)('of %s subscribe by GET and by POST', (version) => {
    const subscribe = codecFor(version).restRoutes.filter((route) => route.operation === 'SubscribeToTask');
    expect(subscribe.map((route) => route.method).sort()).toEqual(['GET', 'POST']);
  });

  it.each([
    ['message/send', '1.0', 'A2A-Version: 0.3'],
    ['SendMessage', '0.3', 'A2A-Version: 1.0'],
    ['agent/getAuthenticatedExtendedCard', '1.0', 'A2A-Version: 0.3'],
  ] as const)(
    '[A4] the method %s asked in %s is not found, and the message names the header',
    (method, asked, header) => {
      const error = methodNotFound(method, codecFor(asked));
      expect(error.code).toBe('METHOD_NOT_FOUND');
      expect(error.message).toContain(`send the header ${header}`);
    },
  );

  it('a method of no version is just not found', () => {
    const error = methodNotFound('tasks/explode', codecFor('1.0'));
    expect(error).toMatchObject({
      code: 'METHOD_NOT_FOUND',
      message: 'Method not found: "tasks/explode" is no method of A2A 1.0',
    });
    expect(codecFor('0.3').methods.get('__proto__')).toBeUndefined();
  });
});
