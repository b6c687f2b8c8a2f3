import { describe, expect, it } from 'vitest';
import { artifactsOf, conversationOf, type LoggedEvent, stateAfter, timelineOf } from './events.ts';

const user = { messageId: 'm1', role: 'ROLE_USER' as const, parts: [{ text: 'hello' }] };
const agent = { messageId: 'm2', role: 'ROLE_AGENT' as const, parts: [{ text: 'which?' }] };

function logged(seq: number, kind: LoggedEvent['kind'], event: LoggedEvent['event'], atMs = seq * 1000): LoggedEvent {
  return { seq, kind, at: new Date(atMs).toISOString(), userMessage: null, event };
}
const chunk = (seq: number, text: string, append: boolean) =>
  logged(seq, 'artifact', { artifactUpdate: { artifact: { artifactId: 'a', parts: [{ text }] }, append } });

const events: LoggedEvent[] = [
  logged(1, 'task', { task: { status: { state: 'TASK_STATE_SUBMITTED' }, history: [user] } }),
  logged(2, 'status', { statusUpdate: { status: { state: 'TASK_STATE_WORKING' } } }),
  chunk(3, 'one ', false),
  chunk(4, 'two', true),
  logged(5, 'status', { statusUpdate: { status: { state: 'TASK_STATE_INPUT_REQUIRED', message: agent } } }, 64_000),
];

describe('events of a task', () => {
  it('[U1] read as a conversation: messages, an artifact once however many chunks it came in, states that matter', () => {
    const items = conversationOf(events);
    expect(items.map(({ kind, seq }) => `${kind} ${seq}`)).toEqual(['message 1', 'artifact 3', 'message 5', 'state 5']);
    expect(items[1]).toMatchObject({ lastSeq: 4, artifact: { parts: [{ text: 'one ' }, { text: 'two' }] } });
  });

  it('[U1] an artifact that is sent anew replaces what it was', () => {
    const items = conversationOf([...events, chunk(6, 'again', false)]);
    expect(artifactsOf(items)).toEqual([{ artifactId: 'a', parts: [{ text: 'again' }] }]);
  });

  it('the log itself is not changed by reading it', () => {
    const before = structuredClone(events);
    conversationOf(events);
    expect(events).toEqual(before);
  });

  it('the state is the last one said', () => {
    expect(stateAfter(events)).toBe('TASK_STATE_INPUT_REQUIRED');
    expect(stateAfter([chunk(3, 'x', false)])).toBeUndefined();
  });

  it('[U1] the timeline says how long after the first event and after the one before', () => {
    expect(timelineOf(events).map(({ offsetMs, gapMs }) => [offsetMs, gapMs])).toEqual([
      [0, 0],
      [1000, 1000],
      [2000, 1000],
      [3000, 1000],
      [63_000, 60_000],
    ]);
  });

  it('an event without a time takes none', () => {
    const [first, second] = events;
    if (first === undefined || second === undefined) throw new Error('no events');
    const rows = timelineOf([first, { ...second, at: null }, chunk(3, 'x', false)]);
    expect(rows.map(({ offsetMs, gapMs }) => [offsetMs, gapMs])).toEqual([
      [0, 0],
      [null, 0],
      [2000, 2000],
    ]);
  });
});
