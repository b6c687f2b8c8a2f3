/** Whatever is sent, the wire layer either reads it or refuses it as the caller's fault; it never breaks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from './codec.ts';
import { AppError } from './errors.ts';
import { parseJsonRpc } from './json-rpc.ts';
import { codecV03, codecV03Rest } from './v0_3/codec.ts';
import { codecV1 } from './v1/codec.ts';

const FIELDS = `message messageId role parts content text raw url data file kind uri bytes configuration historyLength
  blocking taskPushNotificationConfig pushNotificationConfig config id taskId contextId status pageSize metadata
  authentication scheme schemes name __proto__ constructor toString message_id push_notification_config fileWithBytes
  request`.split(/\s+/);
const TEXTS = ['', '\0', '\ud800', 'x'.repeat(600), 'aGk=', 'ROLE_USER', 'user', 'text', 'file', 'https://a.example'];
const LEAVES: readonly unknown[] = [null, true, 0, -1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, ...TEXTS];
const { body } = fc.letrec<{ body: unknown }>((tie) => ({
  body: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    fc.array(tie('body'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...FIELDS), tie('body')), { maxLength: 6 })
      .map((entries): unknown => Object.fromEntries(entries)),
  ),
}));

/** `read`, or the code of the refusal (with `!` where it names no field); anything else that is thrown passes. */
function outcomeOf(read: () => unknown): string {
  try {
    read();
    return 'read';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const namesField = error.code !== 'INVALID_PARAMS' || error.violations.some(({ field }) => field !== '');
    return namesField ? error.code : `${error.code}!`;
  }
}

describe('any body', () => {
  it.each([
    ['1.0', codecV1],
    ['0.3 over JSON-RPC', codecV03],
    ['0.3 over REST', codecV03Rest],
  ] as const)('[A5] is read or refused with INVALID_PARAMS and a field, in %s', (_name, codec) => {
    fc.assert(
      fc.property(fc.constantFrom(...OPERATIONS), body, fc.string(), (operation, sent, text) => {
        expect(['read', 'INVALID_PARAMS']).toContain(outcomeOf(() => codec.decodeParams(operation, sent)));
        const input = {
          params: { id: text, configId: text },
          query: { pageSize: text, historyLength: text },
          body: sent,
        };
        expect(['read', 'INVALID_PARAMS']).toContain(outcomeOf(() => codec.decodeRest(operation, input)));
      }),
      { numRuns: 3000 },
    );
    expect(Reflect.get({}, 'message')).toBeUndefined();
  });

  it('[A5] is a JSON-RPC request or refused as invalid', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          body.map((sent) => JSON.stringify(sent)),
          fc.string(),
        ),
        (text) => {
          expect(['read', 'INVALID_REQUEST', 'PARSE_ERROR']).toContain(outcomeOf(() => parseJsonRpc(text)));
        },
      ),
    );
  });
});
