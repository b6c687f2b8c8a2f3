/** The tables by themselves: logs without gaps, heads and counters that agree with them, and nothing left undone. */
import { endsTurn, factsOf, isTerminal } from './events.ts';
import type { Report } from './findings.ts';
import type { Stored, StoredTask } from './stored.ts';

export function checkTables(stored: Stored, report: Report): void {
  for (const task of stored.tasks.values()) {
    checkLog(task, report);
    if (!endsTurn(task.state)) report('stuck', task.id, `it is ${task.state} at event ${task.seq}`);
  }
  checkCounters(stored, report);
}

function checkLog(task: StoredTask, report: Report): void {
  const seqs = task.events.map(({ seq }) => seq);
  const gap = seqs.findIndex((seq, index) => seq !== index + 1);
  if (gap !== -1) report('log-gap', task.id, `event ${gap + 1} is missing in ${seqs.join(' ')}`);
  let state: string | null = null;
  for (const { seq, body } of task.events) {
    if (state !== null && isTerminal(state)) report('after-the-end', task.id, `event ${seq} follows ${state}`);
    state = factsOf(body).state ?? state;
  }
  const last = seqs.at(-1) ?? 0;
  if (last !== task.seq) report('head-differs', task.id, `its head says event ${task.seq}, its log ends at ${last}`);
  if (state !== null && state !== task.state) {
    report('head-differs', task.id, `its head says ${task.state}, its log ${state}`);
  }
}

function checkCounters({ tasks, counters }: Stored, report: Report): void {
  const counted = new Map<string, number>();
  for (const { ownerId, agentId, state, isListed } of tasks.values()) {
    if (!isListed) continue;
    const name = `${ownerId} ${agentId} ${state}`;
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  for (const name of new Set([...counted.keys(), ...counters.keys()])) {
    const [is, says] = [counted.get(name) ?? 0, counters.get(name) ?? 0];
    if (is !== says) report('counters-differ', null, `${name}: the counter says ${says}, there are ${is}`);
  }
}
