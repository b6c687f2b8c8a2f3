/** The table of transitions, pair by pair, and that the engine's only way to change a state obeys it. */
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../../test/support/thrown-by.ts';
import { TASK_STATES, type TaskState } from '../../protocol/v1/types.ts';
import { statusStep } from './events.ts';
import { canFollow, isInterrupted, isSettled, isTerminal, TERMINAL_STATES } from './states.ts';
import type { TaskHead } from './store.ts';

const FINAL: readonly TaskState[] = [
  'TASK_STATE_COMPLETED',
  'TASK_STATE_FAILED',
  'TASK_STATE_CANCELED',
  'TASK_STATE_REJECTED',
];
const PAIRS = TASK_STATES.flatMap((from) => TASK_STATES.map((to) => [from, to] as const));

const headIn = (state: TaskState): TaskHead => ({
  id: 'task-1',
  ownerId: 'alice',
  agentId: 'agent',
  contextId: 'context-1',
  state,
  status: '{}',
  statusAtMs: 5000,
  createdAtMs: 0,
  seq: 7,
  firstSeq: 1,
  turnSeq: 1,
  listed: true,
  messageCount: 1,
  sizeChars: 0,
  leaseReplica: 'replica',
  leaseEpoch: 1,
  attempt: 1,
});

describe('the states of a task', () => {
  const isAllowed = ([from, to]: readonly [TaskState, TaskState]) =>
    !FINAL.includes(from) && to !== 'TASK_STATE_SUBMITTED';

  it.each(PAIRS.filter(isAllowed))('%s -> %s is allowed', (from, to) => {
    expect(canFollow(from, to)).toBe(true);
    expect(statusStep(headIn(from), { state: to, nowMs: 6000 }).head).toMatchObject({ state: to, seq: 8 });
  });

  it.each(PAIRS.filter((pair) => !isAllowed(pair)))(
    '%s -> %s is refused: the first is final, or it goes back',
    (from, to) => {
      expect(canFollow(from, to)).toBe(false);
      expect(thrownBy(() => statusStep(headIn(from), { state: to, nowMs: 6000 }))).toMatchObject({
        code: 'INTERNAL',
        message: 'Internal error',
        detail: `task-1: ${to} cannot follow ${from}`,
      });
    },
  );

  it('completed, failed, canceled and rejected are terminal, and nothing else is', () => {
    expect([...TERMINAL_STATES].sort()).toEqual([...FINAL].sort());
    expect(TASK_STATES.filter(isTerminal).sort()).toEqual([...FINAL].sort());
  });

  it('a task waits for its client in input-required and auth-required only', () => {
    expect(TASK_STATES.filter(isInterrupted)).toEqual(['TASK_STATE_INPUT_REQUIRED', 'TASK_STATE_AUTH_REQUIRED']);
    expect(TASK_STATES.filter((state) => !isSettled(state))).toEqual(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']);
  });

  it('the time of a status never goes back, also when the clock is set back', () => {
    const { head } = statusStep(headIn('TASK_STATE_WORKING'), { state: 'TASK_STATE_WORKING', nowMs: 1000 });
    expect(head.statusAtMs).toBe(5000);
  });
});
