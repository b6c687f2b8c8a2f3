/** What followers got, over all their connections, against the log. */
import { isDeepStrictEqual } from 'node:util';
import type { AbandonedLine, EventLine, JournalLine } from '../journal.ts';
import { isOld } from '../wire/call.ts';
import { carriedByV03 } from '../wire/translation.ts';
import { endsTurn, factsOf } from './events.ts';
import type { Report } from './findings.ts';
import type { Stored } from './stored.ts';

export function checkStreams(journal: readonly JournalLine[], stored: Stored, report: Report): void {
  const positions = new Map<number, number>();
  for (const line of journal) {
    if (line.kind === 'event') {
      checkEvent(line, positions.get(line.follower), stored, report);
      positions.set(line.follower, line.seq);
    } else if (line.kind === 'abandoned') {
      checkAbandoned(line, stored, report);
    } else if (line.kind === 'followed') {
      const position = positions.get(line.follower) ?? 0;
      const task = stored.tasks.get(line.taskId);
      const last = task?.events.find(({ seq }) => seq === position);
      // Later turns are another stream.
      if (last !== undefined && !endsTurn(factsOf(last.body).state)) {
        report(
          'stream-cut-short',
          line.taskId,
          `follower ${line.follower} was told that event ${position} is the last`,
        );
      }
    }
  }
}

/** By the time that an event says of itself, the end of the turn was there so long before: whoever listens has it by then. */
const LATE_MS = 15_000;

function checkAbandoned(line: AbandonedLine, { tasks }: Stored, report: Report): void {
  const { follower, form, server, taskId, seq, at } = line;
  const task = tasks.get(taskId);
  const endedAt = factsOf(task?.events.at(-1)?.body ?? '{}').timestamp;
  if (task === undefined || endedAt === null || !endsTurn(task.state) || at - Date.parse(endedAt) < LATE_MS) return;
  report(
    'stream-endless',
    taskId,
    `follower ${follower} was at event ${seq} of ${task.seq} by ${form} of ${server}, and heard no more`,
  );
}

function checkEvent(line: EventLine, position: number | undefined, stored: Stored, report: Report): void {
  const { follower, form, taskId, seq, isSnapshot, data } = line;
  const isNext = isSnapshot ? seq >= (position ?? 0) : seq === (position ?? 0) + 1;
  if (!isNext) report('stream-broken', taskId, `follower ${follower} got event ${seq} after ${position ?? 'none'}`);
  const task = stored.tasks.get(taskId);
  if (task === undefined) {
    report('task-lost', taskId, `follower ${follower} got its event ${seq}`);
    return;
  }
  const event = task.events.find((one) => one.seq === seq);
  if (event === undefined) {
    report('event-lost', taskId, `follower ${follower} got event ${seq}, its log has ${task.events.length}`);
    return;
  }
  if (isSnapshot) return;
  if (factsOf(data).isReset) report('stream-broken', taskId, `follower ${follower} was reset at event ${seq}`);
  else if (!isDeepStrictEqual(JSON.parse(data), bodyIn(form, event.body))) {
    report('event-differs', taskId, `follower ${follower}, event ${seq}, ${form}: ${data} is ${event.body} in the log`);
  }
}

/** An event of the log, without what the form cannot carry. */
function bodyIn(form: EventLine['form'], body: string): unknown {
  const event: unknown = JSON.parse(body);
  return isOld(form) ? carriedByV03(event) : event;
}
