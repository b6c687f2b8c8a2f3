import { describe, expect, it } from 'vitest';
import { rangeOf } from './use-rows-in-view.ts';

describe('[U1] the rows that are seen', () => {
  it('are all there, wherever one has scrolled to, and not many more', () => {
    for (let topPx = 0; topPx < 3_200_000; topPx += 9973) {
      const { first, end } = rangeOf(topPx, 900, 32);
      expect(first * 32).toBeLessThanOrEqual(topPx);
      expect(end * 32).toBeGreaterThanOrEqual(topPx + 900);
      expect(end - first).toBeLessThanOrEqual(900 / 32 + 36);
    }
  });

  it('stay the same while one scrolls within a few rows', () => {
    const ranges = Array.from({ length: 100 }, (_, px) => JSON.stringify(rangeOf(32_000 + px, 320, 32)));
    expect(new Set(ranges).size).toBeLessThanOrEqual(3);
  });
});
