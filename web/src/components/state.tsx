/** A task's state: icon and word in its colour, never the colour alone. */
import { isTaskState, STATES, type TaskState } from '../lib/states.ts';

const ICONS: Readonly<Record<TaskState, React.ReactNode>> = {
  TASK_STATE_SUBMITTED: <circle cx="8" cy="8" r="4.75" />,
  TASK_STATE_WORKING: (
    <>
      <circle cx="8" cy="8" r="5.75" className="opacity-25" />
      <path d="M8 2.25A5.75 5.75 0 0 1 13.75 8" className="origin-center group-data-[moving=true]/state:animate-turn" />
    </>
  ),
  TASK_STATE_INPUT_REQUIRED: (
    <path d="M5 8.5V4.25a1 1 0 0 1 2 0V7.5 3a1 1 0 0 1 2 0v4.5V3.75a1 1 0 0 1 2 0V9.5c0 2.5-1.6 4.25-3.75 4.25-1.9 0-2.8-.8-3.7-2.4L2.6 9.3a.95.95 0 0 1 1.6-1L5 9.4" />
  ),
  TASK_STATE_AUTH_REQUIRED: (
    <>
      <circle cx="5" cy="11" r="2.75" />
      <path d="m7 9 6-6M10.5 5.5l2 2" />
    </>
  ),
  TASK_STATE_COMPLETED: <path d="m2.75 8.5 3.5 3.75 7-8" />,
  TASK_STATE_FAILED: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  TASK_STATE_REJECTED: (
    <>
      <path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5z" />
      <path d="M5.25 8h5.5" />
    </>
  ),
  TASK_STATE_CANCELED: (
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="m4 12 8-8" />
    </>
  ),
};

interface IconProps {
  readonly state: TaskState;
  /** Only the state of a task moves, not the word for it in a menu or beside a number. */
  readonly isMoving?: boolean;
}

export function StateIcon({ state, isMoving = false }: IconProps) {
  return (
    <svg
      viewBox="0 0 16 16"
      aria-hidden="true"
      data-moving={isMoving}
      className={`group/state size-3.5 shrink-0 fill-none stroke-current ${STATES[state].color}`}
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {ICONS[state]}
    </svg>
  );
}

/** Icon and word. An unknown state is shown as it came. */
export function StateLabel({ state, className = '' }: { state: string; className?: string }) {
  if (!isTaskState(state)) return <span className={className}>{state}</span>;
  return (
    <span
      className={`inline-flex items-center gap-1.5 align-top whitespace-nowrap ${STATES[state].color} ${className}`}
    >
      <StateIcon state={state} isMoving />
      {STATES[state].word}
    </span>
  );
}
