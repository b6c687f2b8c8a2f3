import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatDuration, formatExact, shortId } from './format.ts';

describe('what a person would say', () => {
  it.each([
    [4, '4 ms'],
    [5203, '5.2 s'],
    [42_000, '42 s'],
    [190_000, '3:10'],
    [7_390_000, '2:03:10'],
    [97 * 3_600_000, '4 d 1 h'],
  ])('%i ms is %s', (ms, said) => expect(formatDuration(ms)).toBe(said));

  it.each([
    [0, 'now'],
    [42_000, '42 s'],
    [5 * 60_000, '5 m'],
    [3 * 3_600_000, '3 h'],
    [5 * 86_400_000, '5 d'],
    [-3_600_000, 'in 1 h'],
  ])('%i ms ago is %s', (ms, said) => {
    const nowMs = Date.parse('2030-01-31T00:00:00Z');
    expect(formatAge(nowMs - ms, nowMs)).toBe(said);
  });

  it('exact times, sizes, ids', () => {
    expect(formatExact(Date.parse('2030-01-31T10:20:30.456Z'), true)).toBe('2030-01-31 10:20:30.456 UTC');
    expect([formatBytes(12), formatBytes(2048), formatBytes(3 * 1024 ** 2)]).toEqual(['12 B', '2.0 KiB', '3.0 MiB']);
    expect([shortId('short'), shortId('01a1fe64-f8ec-738d-81ea-3dc7d9dbd36a')]).toEqual(['short', '01a1fe…d36a']);
  });
});
