/** The states of a task as people read them: word, colour and meaning. The icons are in components/state.tsx. */

export const STATES = {
  TASK_STATE_SUBMITTED: { word: 'submitted', color: 'text-submitted', isTerminal: false, waitsForPerson: false },
  TASK_STATE_WORKING: { word: 'working', color: 'text-working', isTerminal: false, waitsForPerson: false },
  TASK_STATE_INPUT_REQUIRED: { word: 'input required', color: 'text-input', isTerminal: false, waitsForPerson: true },
  TASK_STATE_AUTH_REQUIRED: { word: 'auth required', color: 'text-auth', isTerminal: false, waitsForPerson: true },
  TASK_STATE_COMPLETED: { word: 'completed', color: 'text-completed', isTerminal: true, waitsForPerson: false },
  TASK_STATE_FAILED: { word: 'failed', color: 'text-failed', isTerminal: true, waitsForPerson: false },
  TASK_STATE_REJECTED: { word: 'rejected', color: 'text-rejected', isTerminal: true, waitsForPerson: false },
  TASK_STATE_CANCELED: { word: 'canceled', color: 'text-canceled', isTerminal: true, waitsForPerson: false },
} as const;

export type TaskState = keyof typeof STATES;
export const TASK_STATES = Object.keys(STATES).filter(isTaskState);

export function isTaskState(value: unknown): value is TaskState {
  return typeof value === 'string' && Object.hasOwn(STATES, value);
}

/** `input-required`: the state in addresses of the console, as short as 0.3 wrote it. */
export function slugOf(state: TaskState): string {
  return STATES[state].word.replace(' ', '-');
}

export function stateOfSlug(slug: string): TaskState | undefined {
  return TASK_STATES.find((state) => slugOf(state) === slug);
}
