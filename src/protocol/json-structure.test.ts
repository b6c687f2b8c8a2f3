/** The bounds that hold before a text is parsed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exceededLimit } from './json-structure.ts';

const limits = { maxDepth: 3, maxValues: 6 };

describe('the structure of a JSON text', () => {
  test.each([
    ['""', null],
    ['[[[]]]', null],
    ['[[[[]]]]', 'maxDepth'],
    ['{"a":{"b":[1]}}', null],
    ['{"a":{"b":[{}]}}', 'maxDepth'],
    ['[1,2,3,4]', null],
    ['[1,2,3,4,5,6,7]', 'maxValues'],
    ['[[],[]]', null],
    ['[[],[],[]]', 'maxValues'],
    // In text nothing counts.
    ['["[[[[,,,,,,,,"]', null],
    ['["\\"[[[[,,,,,,,,"]', null],
    ['["\\\\",[[[]]]]', 'maxDepth'],
    ['["a\\\\\\"[[[[,,,,,,,,",1]', null],
    ['{"[[[[":1}', null],
    // What is no JSON is the parser's to refuse; it only must come to an end.
    ['"', null],
    ['"\\', null],
    ['"\\"', null],
    [']]]][[[', null],
    ['', null],
  ])('[A5] %s is over %s', (text, over) => {
    expect(exceededLimit(text, limits)).toBe(over);
  });

  test('[A5] no text is counted deeper than its value is, or with fewer values than it has', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'large' }), fc.boolean(), (value, isIndented) => {
        const text = JSON.stringify(value, null, isIndented ? 2 : 0);
        const depth = depthOf(value);
        expect(exceededLimit(text, { maxDepth: depth, maxValues: 1e9 })).toBe(null);
        expect(exceededLimit(text, { maxDepth: depth - 1, maxValues: 1e9 })).toBe(depth > 0 ? 'maxDepth' : null);
        const values = countOf(value);
        expect(exceededLimit(text, { maxDepth: 1e9, maxValues: 2 * values })).toBe(null);
        const isScalar = typeof value !== 'object' || value === null;
        expect(exceededLimit(text, { maxDepth: 1e9, maxValues: values - 1 })).toBe(isScalar ? null : 'maxValues');
      }),
    );
  });

  test('[A5] 8 MiB of brackets are refused where the limit is reached', () => {
    const text = '['.repeat(8 * 1024 * 1024);
    // A pass over the whole text takes tens of milliseconds: a thousand of them would time out.
    for (let pass = 0; pass < 1000; pass++) {
      expect(exceededLimit(text, { maxDepth: 128, maxValues: 250_000 })).toBe('maxDepth');
    }
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + countOf(inner), 1);
}
