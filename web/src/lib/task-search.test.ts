import { describe, expect, it } from 'vitest';
import { conditionsOf, isNarrowed, readTaskSearch, readTasksSearch } from './task-search.ts';

describe('[U1] the address of a list', () => {
  it('is read for what it knows, and the rest is left out', () => {
    const read = readTasksSearch({ state: 'failed,nonsense', agent: 'echo', range: '2y', q: 42, follow: 'yes', x: 1 });
    expect(read).toEqual({ state: 'failed', agent: 'echo', q: '42' });
    expect(readTaskSearch({ tab: 'nowhere', seq: -1 })).toEqual({});
    expect(readTaskSearch({ tab: 'timeline', seq: 4 })).toEqual({ tab: 'timeline', seq: 4 });
  });

  it('becomes the conditions of the API', () => {
    const nowMs = Date.parse('2030-01-01T12:00:00Z');
    expect(conditionsOf({ state: 'failed,input-required', range: '1h', q: 'oven' }, nowMs)).toEqual({
      state: 'TASK_STATE_FAILED,TASK_STATE_INPUT_REQUIRED',
      from: '2030-01-01T11:00:00.000Z',
      text: 'oven',
    });
  });

  it('narrows by conditions, not by following', () => {
    expect(isNarrowed({ follow: true })).toBe(false);
    expect(isNarrowed({ q: 'a' })).toBe(true);
  });
});
