/** What the events of a task say, read in three ways: as a conversation, as artifacts, along the time. Pure. */
import type { Artifact, Message, Part, TaskStatus } from '../../../src/protocol/v1/types.ts';
import { isTaskState, STATES, type TaskState } from './states.ts';

/** An event as the API gives it; the parts of it that are read here. */
export interface LoggedEvent {
  readonly seq: number;
  readonly kind: 'task' | 'status' | 'artifact' | 'message';
  readonly at: string | null;
  readonly userMessage: Message | null;
  readonly event: {
    readonly task?: { readonly status: TaskStatus; readonly history?: Message[]; readonly artifacts?: Artifact[] };
    readonly statusUpdate?: { readonly status: TaskStatus };
    readonly artifactUpdate?: { readonly artifact: Artifact; readonly append?: boolean; readonly lastChunk?: boolean };
    readonly message?: Message;
  };
}

export type ConversationItem =
  | { readonly kind: 'message'; readonly seq: number; readonly at: string | null; readonly message: Message }
  | {
      readonly kind: 'artifact';
      /** The event that began it, and the last that added to it. */
      readonly seq: number;
      readonly lastSeq: number;
      readonly at: string | null;
      readonly artifact: Artifact;
    }
  | { readonly kind: 'state'; readonly seq: number; readonly at: string | null; readonly state: TaskState };

export function statusOf({ event }: LoggedEvent): TaskStatus | undefined {
  return event.statusUpdate?.status ?? event.task?.status;
}

/** The state after these events; undefined where none says one. */
export function stateAfter(events: readonly LoggedEvent[]): TaskState | undefined {
  const state = events.findLast((event) => statusOf(event) !== undefined);
  return state === undefined ? undefined : statusOf(state)?.state;
}

/** Messages and artifacts in their order, and the states that people want to see between them. */
export function conversationOf(events: readonly LoggedEvent[]): readonly ConversationItem[] {
  const items: ConversationItem[] = [];
  const artifacts = new Map<string, { item: number; parts: Part[] }>();
  for (const logged of events) {
    const { seq, at, userMessage, event } = logged;
    const say = (message: Message) => items.push({ kind: 'message', seq, at, message });
    for (const message of event.task?.history ?? []) say(message);
    if (userMessage !== null) say(userMessage);
    if (event.message !== undefined) say(event.message);
    const status = statusOf(logged);
    if (status?.message !== undefined) say(status.message);
    if (status !== undefined && isTaskState(status.state)) {
      const { isTerminal, waitsForPerson } = STATES[status.state];
      if (isTerminal || waitsForPerson) items.push({ kind: 'state', seq, at, state: status.state });
    }
    const whole = (event.task?.artifacts ?? []).map((artifact) => ({ artifact, append: false }));
    for (const { artifact, append } of event.artifactUpdate === undefined ? whole : [event.artifactUpdate]) {
      const known = artifacts.get(artifact.artifactId);
      if (known === undefined || append !== true) {
        const parts = [...artifact.parts];
        // What is replaced stands where it is replaced: it is news.
        artifacts.set(artifact.artifactId, { item: items.length, parts });
        items.push({ kind: 'artifact', seq, lastSeq: seq, at, artifact: { ...artifact, parts } });
      } else {
        const before = items[known.item];
        if (before?.kind !== 'artifact') continue;
        known.parts.push(...artifact.parts);
        items[known.item] = { ...before, lastSeq: seq };
      }
    }
  }
  return items;
}

/** Artifacts as they are now, each once. */
export function artifactsOf(items: readonly ConversationItem[]): readonly Artifact[] {
  const latest = new Map<string, Artifact>();
  for (const item of items) if (item.kind === 'artifact') latest.set(item.artifact.artifactId, item.artifact);
  return [...latest.values()];
}

export interface TimelineRow<Event extends LoggedEvent = LoggedEvent> {
  readonly logged: Event;
  /** Since the first event; null where no time was kept. */
  readonly offsetMs: number | null;
  /** Since the event before. */
  readonly gapMs: number;
}

export function timelineOf<Event extends LoggedEvent>(events: readonly Event[]): readonly TimelineRow<Event>[] {
  const [first] = events;
  const beginMs = Date.parse(first?.at ?? '');
  let beforeMs = beginMs;
  return events.map((logged) => {
    const ms = Date.parse(logged.at ?? '');
    if (Number.isNaN(ms)) return { logged, offsetMs: null, gapMs: 0 };
    const gapMs = Math.max(0, ms - beforeMs);
    beforeMs = ms;
    return { logged, offsetMs: ms - beginMs, gapMs };
  });
}

/** The first text of parts, for one line. */
export function textOf(parts: readonly Part[]): string {
  const text = parts.find((part) => part.text !== undefined)?.text;
  if (text !== undefined) return text.replace(/\s+/g, ' ').slice(0, 300);
  const [part] = parts;
  if (part === undefined) return '';
  if (part.data !== undefined) return JSON.stringify(part.data).slice(0, 300);
  return part.filename ?? part.url ?? 'a file';
}
