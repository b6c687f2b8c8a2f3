/** Pushes: every event of a task at least once, first in order, as it is in the log, and signed. */
import { isDeepStrictEqual } from 'node:util';
import type { JournalLine, PushedLine } from '../journal.ts';
import { taskFromV03 } from '../wire/translation.ts';
import type { Report } from './findings.ts';
import { isTaskAfter } from './snapshots.ts';
import type { Stored, StoredEvent } from './stored.ts';

export function checkPushes(journal: readonly JournalLine[], stored: Stored, report: Report): void {
  const hooks = new Map<number, string>();
  const taskOfHook = new Map<string, string>();
  const pushes = new Map<string, PushedLine[]>();
  for (const line of journal) {
    if (line.kind === 'sent' && line.hook !== null) hooks.set(line.op, line.hook);
    if (line.kind === 'answered' && line.status === 200 && line.taskId !== null) {
      const hook = hooks.get(line.op);
      if (hook !== undefined) taskOfHook.set(hook, line.taskId);
    }
    if (line.kind === 'pushed') pushes.set(line.hook, [...(pushes.get(line.hook) ?? []), line]);
  }
  for (const [hook, taskId] of taskOfHook) checkHook(hook, taskId, pushes.get(hook) ?? [], stored, report);
  const { pending, dead } = stored.outbox;
  if (pending > 0) report('push-lost', null, `${pending} deliveries still wait`);
  if (dead > 0) report('push-lost', null, `${dead} deliveries were given up`);
}

function checkHook(
  hook: string,
  taskId: string,
  pushes: readonly PushedLine[],
  { tasks }: Stored,
  report: Report,
): void {
  const events = tasks.get(taskId)?.events ?? [];
  let highest = 0;
  for (const push of pushes) {
    const { seq, problem, body } = push;
    if (problem !== null) report('push-signature', taskId, `event ${seq} at ${hook}: ${problem}`);
    if (push.taskId !== taskId) report('push-differs', taskId, `${hook} got a push of task ${push.taskId}`);
    if (seq > highest + 1) report('push-out-of-order', taskId, `event ${seq} came to ${hook} after ${highest}`);
    highest = Math.max(highest, seq);
    const event = events.find((one) => one.seq === seq);
    if (event === undefined) report('event-lost', taskId, `event ${seq} was pushed to ${hook}`);
    else if (!isPushOf(taskId, event, events, body)) {
      report('push-differs', taskId, `event ${seq} at ${hook}: ${body} is ${event.body} in the log`);
    }
  }
  const delivered = new Set(pushes.filter(({ status }) => status < 300).map(({ seq }) => seq));
  const missing = events.map(({ seq }) => seq).filter((seq) => !delivered.has(seq));
  if (missing.length > 0) report('push-lost', taskId, `${hook} never acknowledged ${missing.join(' ')}`);
}

/** 1.0 pushes the event, 0.3 the Task as it was after it. */
function isPushOf(taskId: string, event: StoredEvent, events: readonly StoredEvent[], body: string): boolean {
  const pushed = JSON.parse(body) as { readonly kind?: string };
  if (pushed.kind === 'task') return isTaskAfter(taskFromV03(pushed), taskId, event.seq, events);
  return isDeepStrictEqual(pushed, JSON.parse(event.body));
}
