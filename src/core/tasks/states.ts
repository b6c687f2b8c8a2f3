/** The states of a task and the one table of allowed transitions (A2A 1.0 section 4.1.3). */
import { TASK_STATES, type TaskState } from '../../protocol/v1/types.ts';

const LIVE: readonly TaskState[] = [
  'TASK_STATE_WORKING',
  'TASK_STATE_INPUT_REQUIRED',
  'TASK_STATE_AUTH_REQUIRED',
  'TASK_STATE_COMPLETED',
  'TASK_STATE_FAILED',
  'TASK_STATE_CANCELED',
  'TASK_STATE_REJECTED',
];
const NONE: readonly TaskState[] = [];

/** From a state to the states that may follow it. Terminal states are final; nothing returns to submitted. */
export const TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  TASK_STATE_SUBMITTED: LIVE,
  TASK_STATE_WORKING: LIVE,
  TASK_STATE_INPUT_REQUIRED: LIVE,
  TASK_STATE_AUTH_REQUIRED: LIVE,
  TASK_STATE_COMPLETED: NONE,
  TASK_STATE_FAILED: NONE,
  TASK_STATE_CANCELED: NONE,
  TASK_STATE_REJECTED: NONE,
};

export function canFollow(from: TaskState, to: TaskState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Completed, failed, canceled or rejected: the task will never change again. */
export function isTerminal(state: TaskState): boolean {
  return TRANSITIONS[state] === NONE;
}

/** Waiting for the client: a blocking send returns here (A2A 1.0 section 3.2.2). */
export function isInterrupted(state: TaskState): boolean {
  return state === 'TASK_STATE_INPUT_REQUIRED' || state === 'TASK_STATE_AUTH_REQUIRED';
}

/** The turn is over: nothing comes before the client's next message. In auth-required the agent may go on by itself. */
export function isPaused(state: TaskState): boolean {
  return isTerminal(state) || state === 'TASK_STATE_INPUT_REQUIRED';
}

export function isSettled(state: TaskState): boolean {
  return isTerminal(state) || isInterrupted(state);
}

export const TERMINAL_STATES: readonly TaskState[] = TASK_STATES.filter(isTerminal);
