/** What an event says, read from its JSON as any client would. */

export interface EventFacts {
  readonly taskId: string;
  readonly isTask: boolean;
  /** The state that it brings; null for an artifact. */
  readonly state: string | null;
  /** When it was made, where it brings a state. */
  readonly timestamp: string | null;
  /** The texts of the artifact that it brings, or null. */
  readonly artifact: readonly string[] | null;
  /** Of the Message that began the task, for the event that announces it. */
  readonly messageId: string | null;
  /** The log began later than the client asked for. */
  readonly isReset: boolean;
}

interface Wire {
  readonly task?: {
    readonly id?: string;
    readonly status?: { readonly state?: string; readonly timestamp?: string };
    readonly history?: readonly { readonly messageId?: string }[];
    readonly metadata?: { readonly parley?: { readonly reset?: boolean } };
  };
  readonly statusUpdate?: {
    readonly taskId?: string;
    readonly status?: { readonly state?: string; readonly timestamp?: string };
  };
  readonly artifactUpdate?: {
    readonly taskId?: string;
    readonly artifact?: { readonly parts?: readonly { readonly text?: string }[] };
  };
}

export function factsOf(body: string): EventFacts {
  const { task, statusUpdate, artifactUpdate } = JSON.parse(body) as Wire;
  return {
    taskId: task?.id ?? statusUpdate?.taskId ?? artifactUpdate?.taskId ?? '',
    isTask: task !== undefined,
    state: task?.status?.state ?? statusUpdate?.status?.state ?? null,
    timestamp: task?.status?.timestamp ?? statusUpdate?.status?.timestamp ?? null,
    artifact:
      artifactUpdate === undefined ? null : (artifactUpdate.artifact?.parts ?? []).map(({ text }) => text ?? ''),
    messageId: task?.history?.[0]?.messageId ?? null,
    isReset: task?.metadata?.parley?.reset === true,
  };
}

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELED', 'REJECTED'].map((name) => `TASK_STATE_${name}`);

export function isTerminal(state: string): boolean {
  return TERMINAL.includes(state);
}

/** The turn is over: the server sends no more until the client does. */
export function endsTurn(state: string | null): boolean {
  return state !== null && (isTerminal(state) || state === 'TASK_STATE_INPUT_REQUIRED');
}
