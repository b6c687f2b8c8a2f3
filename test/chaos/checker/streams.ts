/** What followers got, over all their connections, against the log. */
import { isDeepStrictEqual } from 'node:util';
import type { EventLine, JournalLine } from '../journal.ts';
import { endsTurn, factsOf } from './events.ts';
import type { Report } from './findings.ts';
import type { Stored } from './stored.ts';

export function checkStreams(journal: readonly JournalLine[], stored: Stored, report: Report): void {
  const positions = new Map<number, number>();
  for (const line of journal) {
    if (line.kind === 'event') {
      checkEvent(line, positions.get(line.follower), stored, report);
      positions.set(line.follower, line.seq);
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

function checkEvent(line: EventLine, position: number | undefined, stored: Stored, report: Report): void {
  const { follower, taskId, seq, isSnapshot, data } = line;
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
  else if (data !== event.body && !isDeepStrictEqual(JSON.parse(data), JSON.parse(event.body))) {
    report('event-differs', taskId, `follower ${follower}, event ${seq}: ${data} is ${event.body} in the log`);
  }
}
