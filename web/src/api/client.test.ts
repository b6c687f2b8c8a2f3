import { expect, it } from 'vitest';
import { ApiError, every } from './client.ts';

it('[U1] what was refused is not asked for every few seconds; what failed, or was not answered, is', () => {
  const after = (error: Error | null) => every(5000)({ state: { error } });
  const answered = (status: number) => new ApiError(status, 'no', null);
  expect([403, 404].map((status) => after(answered(status)))).toEqual([false, false]);
  expect([0, 429, 500, 503].map((status) => after(answered(status)))).toEqual([5000, 5000, 5000, 5000]);
  expect(after(null)).toBe(5000);
});
