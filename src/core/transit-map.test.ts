import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { TransitMap } from './transit-map.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

const VALUES = 8000;
const VALUE_BYTES = 8 * 1024;
const AT_ONCE = 32;

/** Bytes of heap that collections of young objects leave behind of VALUES values, of which AT_ONCE are there at a time. */
function leftBehind(map: { set(key: string, value: object): unknown; delete(key: string): unknown }): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < VALUES; n++) {
    map.set(`k${n}`, { filler: Array.from({ length: VALUE_BYTES / 8 }, () => n) });
    // All of them go now and then, as when a server has a moment without work.
    if (n % AT_ONCE === AT_ONCE - 1) for (let key = n - AT_ONCE + 1; key <= n; key++) map.delete(`k${key}`);
    if (n % 200 === 0) collect({ type: 'minor' });
  }
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  return process.memoryUsage().heapUsed - before;
}

describe('TransitMap', () => {
  it('is a map', () => {
    const map = new TransitMap<string, { n: number }>();
    const [one, two] = [{ n: 1 }, { n: 2 }];
    map.set('a', one);
    map.set('b', one);
    map.set('b', two);
    expect([map.size, map.get('a'), map.get('b'), map.get('c')]).toEqual([2, one, two, undefined]);
    expect([map.has('a'), map.has('c')]).toEqual([true, false]);
    expect([[...map.keys()], [...map.values()]]).toEqual([
      ['a', 'b'],
      [one, two],
    ]);
    expect([map.delete('a'), map.delete('a'), map.has('a'), map.size]).toEqual([true, false, false, 1]);
  });

  it('leaves out what is deleted while its values are walked through', () => {
    const map = new TransitMap<number, { n: number }>();
    for (let n = 0; n < 40; n++) map.set(n, { n });
    const seen: number[] = [];
    for (const { n } of map.values()) {
      seen.push(n);
      map.delete(n + 1);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index * 2));
  });

  it('lets go of what has passed through it without a full collection', () => {
    expect(leftBehind(new TransitMap())).toBeLessThan((VALUES * VALUE_BYTES) / 8);
  });
});
