/** The rate of events as a few digits. */
import { expect, test } from 'vitest';
import { eventRate } from './event-rate.ts';

test('[U1] each event lies in its part of the time', () => {
  const samples = [0, 10, 800, 1600].map((atMs, index) => ({ seq: index + 1, atMs }));
  expect(eventRate(samples, 1600)).toBe('9000000050000005');
});

test('what runs on in silence shows the silence', () => {
  expect(eventRate([{ seq: 1, atMs: 0 }], 1600)).toBe('9000000000000000');
});

test('between two samples events are spread evenly, however many they are', () => {
  const samples = [
    { seq: 1, atMs: 0 },
    { seq: 1_000_001, atMs: 800 },
    { seq: 1_100_001, atMs: 1600 },
  ];
  const rate = eventRate(samples, 1600);
  expect(rate).toMatch(/^[89]{8}[12]1{7}$/);
});

test('without samples, or in no time, there is nothing to tell of', () => {
  expect(eventRate([], 1000)).toBe('');
  expect(eventRate([{ seq: 1, atMs: 0 }], 15)).toBe('');
  expect(eventRate([{ seq: 1, atMs: 0 }], 16)).not.toBe('');
});
